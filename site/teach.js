/**
 * Teaching a network classes of one's own, by a few examples of each:
 *
 *     import { load } from './glance.js';
 *     import { createTeacher } from './teach.js';
 *     const teacher = createTeacher(await load());
 *     for (const file of cups) await teacher.add('cup', file);
 *     for (const file of pens) await teacher.add('pen', file);
 *     const { accuracy } = await teacher.train();
 *     const [best] = await teacher.predict(video);
 *
 * The options and results are documented in teach.d.ts, the method in the Go package
 * models/teach.
 */

import { GlanceError, abortError, disposedError, guarded } from './errors.js';
import { TeachPort } from './teach-port.js';
import { absolute, folder, hashed } from './urls.js';

/** Bytes of a class name, and values of all examples together: those of the training module. */
const maxName = 100;
const maxValues = 2 ** 23;

/** Bytes of a head's file, and some more: 256 classes of 16384 features. */
const maxFile = 20e6;

/**
 * @param {import('./glance').Classifier} classifier
 * @param {import('./teach').TeacherOptions} [options]
 * @returns {import('./teach').Teacher}
 */
export function createTeacher(classifier, options = {}) {
  const { model, sha256 } = classifier.info();
  const { base = sha256 && { name: model, sha256 }, baseURL, urls = {} } = options;
  if (!base) {
    throw new GlanceError('bad-option', `The SHA-256 of ${model} is not known, and a head has to name its network: give sha256 where the model is loaded, or base here.`);
  }
  const at = folder(baseURL);
  const given = (/** @type {string | URL | undefined} */ url, /** @type {string} */ name) =>
    (url !== undefined ? absolute(url).href : at && hashed(new URL(name, at), name));
  return new Teacher(classifier, base, {
    module: given(urls.module, 'teach.wasm') ?? hashed(new URL('./teach.wasm', import.meta.url), 'teach.wasm'),
    worker: given(urls.worker, 'teach-worker.js'),
  });
}

class Teacher {
  #classifier;
  #port;
  /** In the order they were added. @type {Map<number, import('./teach').Example>} */
  #examples = new Map();
  #next = 1;
  /** The module's number of the head. */
  #number = 0;
  /** @type {import('./teach').Head | undefined} */
  head;

  /**
   * @param {import('./glance').Classifier} classifier
   * @param {import('./teach').Base} base
   * @param {{module: string, worker?: string}} urls
   */
  constructor(classifier, base, urls) {
    this.#classifier = classifier;
    this.base = base;
    this.#port = new TeachPort(urls);
  }

  /** @param {{signal?: AbortSignal, onProgress?: (progress: import('./teach').TeachProgress) => void}} [options] */
  async prepare({ signal, onProgress } = {}) {
    await this.#port.start(arriving(onProgress), signal);
  }

  /**
   * @param {string} className
   * @param {import('./glance').Source | Float32Array} source
   * @param {{signal?: AbortSignal}} [options]
   */
  async add(className, source, { signal } = {}) {
    checkName(className);
    const embedding = await this.#embed(source, signal);
    const { embedding: features } = this.#classifier.info();
    if (embedding.length !== features) {
      throw new GlanceError('bad-length', `The embedding has ${embedding.length} values, those of ${this.base.name} have ${features}.`);
    }
    if ((this.#examples.size + 1) * features > maxValues) {
      throw new GlanceError('too-many-examples', `There are ${this.#examples.size} examples, as many as can be trained on: remove some.`);
    }
    const example = { id: this.#next++, className, embedding };
    this.#examples.set(example.id, example);
    return example;
  }

  /** @param {number | string} what */
  remove(what) {
    if (typeof what === 'number') return this.#examples.delete(what);
    const before = this.#examples.size;
    for (const { id, className } of this.#examples.values()) if (className === what) this.#examples.delete(id);
    return this.#examples.size < before;
  }

  /**
   * @param {string} className
   * @param {string} to
   */
  async rename(className, to) {
    checkName(to);
    if (to === className) return;
    const classes = this.head?.classes ?? [];
    if (this.counts().has(to) || classes.includes(to)) throw new GlanceError('bad-class', `There is a class ${JSON.stringify(to)} already.`);
    for (const example of this.#examples.values()) {
      if (example.className === className) this.#examples.set(example.id, { ...example, className: to });
    }
    if (!this.head || !classes.includes(className)) return;
    const renamed = classes.map((name) => (name === className ? to : name));
    this.head = { ...this.head, classes: renamed };
    await this.#port.call('rename', [this.#number, renamed]);
  }

  counts() {
    /** @type {Map<string, number>} */
    const counts = new Map();
    for (const { className } of this.#examples.values()) counts.set(className, (counts.get(className) ?? 0) + 1);
    return counts;
  }

  /** @param {{signal?: AbortSignal, onProgress?: (progress: import('./teach').TeachProgress) => void}} [options] */
  async train({ signal, onProgress } = {}) {
    const examples = [...this.#examples.values()];
    const classes = [...this.counts().keys()];
    const { embedding: features } = this.#classifier.info();
    const embeddings = new Float32Array(examples.length * features);
    examples.forEach(({ embedding }, i) => embeddings.set(embedding, i * features));
    const labels = examples.map(({ className }) => classes.indexOf(className));
    const progress = guarded(onProgress);
    const { predicted, probability, ...described } = await this.#port.call('train', [{ classes, features, embeddings, labels, base: this.base }], {
      transfer: [embeddings.buffer],
      progress: (done) => progress({ phase: 'train', loaded: done, total: 1 }),
      listener: arriving(onProgress),
      signal,
    });
    const heldBack = examples.map(({ id, className }, i) => ({
      id, className, predicted: classes[predicted[i]], probability: /** @type {number} */ (probability[i]),
    }));
    return { ...this.#take(described), heldBack };
  }

  /**
   * @param {import('./glance').Source | Float32Array} source
   * @param {{signal?: AbortSignal}} [options]
   */
  async predict(source, { signal } = {}) {
    this.#taught();
    const embedding = await this.#embed(source, signal);
    const { classes } = this.#taught();
    /** @type {Float32Array} */
    const probabilities = await this.#port.call('predict', [this.#number, embedding], { signal });
    return classes
      .map((className, k) => ({ className, probability: probabilities[k] }))
      .sort((a, b) => b.probability - a.probability);
  }

  /** @returns {Promise<Uint8Array>} */
  async save() {
    this.#taught();
    return this.#port.call('save', [this.#number]);
  }

  /**
   * @param {Uint8Array | ArrayBuffer | Blob} file
   * @param {{signal?: AbortSignal, onProgress?: (progress: import('./teach').TeachProgress) => void}} [options]
   */
  async load(file, { signal, onProgress } = {}) {
    const bytes = await bytesOf(file);
    return this.#take(await this.#port.call('load', [bytes, this.base], { listener: arriving(onProgress), signal }));
  }

  dispose() {
    this.#examples.clear();
    this.head = undefined;
    this.#port.close(disposedError());
  }

  /**
   * Makes a head of the module's the one in use.
   *
   * @param {import('./teach').Head & {head: number}} answer
   */
  #take({ head, ...described }) {
    if (this.#number) this.#port.call('release', [this.#number]).catch(() => {}); // a worker that has ended holds none
    this.#number = head;
    this.head = described;
    return described;
  }

  #taught() {
    if (!this.head) throw new GlanceError('not-taught', 'Nothing has been taught yet: train, or load a head.');
    return this.head;
  }

  /**
   * @param {import('./glance').Source | Float32Array} source
   * @param {AbortSignal} [signal]
   */
  async #embed(source, signal) {
    if (signal?.aborted) throw abortError(signal);
    return source instanceof Float32Array ? source.slice() : this.#classifier.embed(source, { signal });
  }
}

/**
 * Throws unless a head's file can hold the name; the training module has the same rules.
 *
 * @param {string} name
 */
function checkName(name) {
  const problem = typeof name !== 'string' || !name.trim() ? 'is empty: give it one'
    : new TextEncoder().encode(name).length > maxName ? `is longer than ${maxName} bytes: shorten it`
      : /[\p{Cc}\p{Cs}]/u.test(name) ? 'has a control character, such as a line break: remove it' : '';
  if (problem) throw new GlanceError('bad-class', `The name of the class ${problem}.`);
}

/**
 * @param {((progress: import('./teach').TeachProgress) => void) | undefined} onProgress
 */
function arriving(onProgress) {
  const progress = guarded(onProgress);
  return (/** @type {number} */ loaded, /** @type {number} */ total) => progress({ phase: 'module', loaded, total });
}

/** @param {Uint8Array | ArrayBuffer | Blob} file */
async function bytesOf(file) {
  if (!(file instanceof Uint8Array || file instanceof ArrayBuffer || file instanceof Blob)) {
    throw new GlanceError('bad-input', 'load takes a Uint8Array, an ArrayBuffer or a Blob.');
  }
  const size = file instanceof Blob ? file.size : file.byteLength;
  if (size > maxFile) throw new GlanceError('head-format', `The file has ${(size / 1e6).toFixed()} MB, the largest head has 20.`);
  if (file instanceof Uint8Array) return file;
  return new Uint8Array(file instanceof Blob ? await file.arrayBuffer() : file);
}
