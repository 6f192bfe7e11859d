/**
 * Glance: MobileNet image classification in the page.
 *
 *     import { load } from './glance.js';
 *     const classifier = await load({ model: 'mobilenet_v2' });
 *     const [best] = await classifier.classify(document.querySelector('img'));
 *     console.log(best.className, best.probability);
 *     classifier.dispose();
 *
 * The options and results are documented in glance.d.ts.
 */

import { choose, supported } from './backend.js';
import { dropKept, keptModels } from './cached.js';
import { threadCount } from './engine.js';
import { GlanceError, abortError, disposedError, guarded } from './errors.js';
import { compile, fetchFile } from './modules.js';
import { LocalPort, WorkerPort } from './ports.js';
import { capture } from './source.js';
import { absolute, resolveURLs, split } from './urls.js';
import { Download, tryTwice } from './weights.js';

export { GlanceError, dropKept, keptModels };

/** The backend that an earlier 'auto' has come to. @type {import('./backend.js').Backend | undefined} */
let found;

/** Weights that were preloaded, by URL, until a classifier is loaded from them. @type {Map<string, Blob>} */
const preloaded = new Map();

/**
 * Lists the models that models.json offers.
 *
 * @param {import('./glance').AssetOptions & {signal?: AbortSignal}} [options]
 * @returns {Promise<import('./glance').ModelEntry[]>}
 */
export async function models(options = {}) {
  const { manifest } = resolveURLs(options);
  try {
    const { models: list } = await (await fetchFile(manifest, options.signal)).json();
    if (!Array.isArray(list)) throw new Error('it holds no list of models');
    return list.map((entry) => ({
      ...entry,
      url: new URL(entry.url, manifest).href,
      ...(entry.licenceURL && { licenceURL: new URL(entry.licenceURL, manifest).href }),
    }));
  } catch (cause) {
    if (options.signal?.aborted) throw abortError(options.signal);
    throw new GlanceError('manifest', `The list of models at ${split(manifest).address} could not be read: ${/** @type {Error} */ (cause).message.replace(/\.$/, '')}. A bundled page imports its model or gives urls.manifest.`, cause);
  }
}

/**
 * Loads a model and starts an engine for it.
 *
 * @param {import('./glance').LoadOptions} [options]
 * @returns {Promise<Classifier>}
 */
export async function load(options = {}) {
  const { threads, labels, worker = true, signal } = options;
  const { urls, backend, twin } = prepare(options);
  if (labels !== undefined && !(Array.isArray(labels) && labels.every((label) => typeof label === 'string'))) {
    throw new GlanceError('bad-option', 'labels must be an array of strings, one for each class.');
  }
  const ranking = checkRanking(options);

  // What any engine needs starts now, beside the list of models.
  compile(twin ? urls.twin : urls.engine).catch(() => {}); // reported to the engine when it asks
  const port = worker ? new WorkerPort(urls) : new LocalPort(urls);
  try {
    const { title, ...blob } = await resolveModel(options);
    port.onkept = guarded(options.onKept);
    blob.keep = options.keep;
    if (typeof blob.from === 'string') {
      blob.preloaded = preloaded.get(blob.from);
      preloaded.delete(blob.from);
    }
    const engineOptions = { blob, title, labels, threads, urls, backend: backend === 'auto' ? found ?? backend : backend };
    await port.start(engineOptions, guarded(options.onProgress), signal);
    if (backend === 'auto') found = port.info.backend;
    return new Classifier(port, ranking);
  } catch (error) {
    port.close();
    throw error;
  }
}

/** load, by a name that says what it makes. */
export const createClassifier = load;

/**
 * Fetches and compiles what load will need, without starting anything.
 *
 * @param {import('./glance').LoadOptions} [options]
 * @returns {Promise<void>}
 */
export async function preload(options = {}) {
  const { threads, worker = true, signal } = options;
  const { urls, backend, twin } = prepare(options);
  const progress = guarded(options.onProgress);
  const kernels = backend === 'auto' ? (found ??= choose()) : backend;
  const shared = threadCount(threads, worker || undefined) > 1 ? '-threads' : '';
  const modules = twin ? [urls.twin] : [urls.engine, urls[/** @type {import('./urls.js').Asset} */ (kernels + shared)]];
  const fetchWeights = async () => {
    const blob = { ...await resolveModel(options), keep: options.keep };
    const { from } = blob;
    if (typeof from !== 'string' || preloaded.has(from)) return;
    await tryTwice(blob, async (source) => {
      const download = await Download.open(source, (loaded, total) => progress({ phase: 'weights', loaded, total }), signal);
      await download.read(async () => {
        const { prefix, size } = await download.header();
        const parts = [/** @type {BlobPart} */ (prefix)];
        await download.data(size - prefix.length, (_, bytes) => parts.push(/** @type {BlobPart} */ (bytes)));
        preloaded.set(from, new Blob(parts));
      });
    });
  };
  await Promise.all([...modules.map(compile), fetchWeights()]);
  if (signal?.aborted) throw abortError(signal);
}

/**
 * Checks the options that load and preload share.
 *
 * @param {import('./glance').LoadOptions} options
 */
function prepare(options) {
  const { backend = 'auto', threads, signal } = options;
  if (!['auto', 'simd128', 'relaxed', 'go'].includes(backend)) {
    throw new GlanceError('bad-option', `backend is ${JSON.stringify(backend)}, it must be 'auto', 'simd128', 'relaxed' or 'go'.`);
  }
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= 32)) {
    throw new GlanceError('bad-option', `threads is ${threads}, it must be a whole number from 1 to 32.`);
  }
  if (signal?.aborted) throw abortError(signal);
  return { urls: resolveURLs(options), backend, twin: backend === 'go' || supported().length === 1 };
}

/**
 * Checks which predictions are asked for.
 *
 * @param {{topk?: number, threshold?: number}} options
 * @param {{topk: number, threshold: number}} [defaults]
 */
function checkRanking({ topk, threshold }, defaults = { topk: 5, threshold: 0 }) {
  topk ??= defaults.topk;
  threshold ??= defaults.threshold;
  if (!(Number.isInteger(topk) && topk >= 1)) throw new GlanceError('bad-option', `topk is ${topk}, it must be a whole number from 1.`);
  if (!(threshold >= 0 && threshold <= 1)) throw new GlanceError('bad-option', `threshold is ${threshold}, it must be from 0 to 1.`);
  return { topk, threshold };
}

/**
 * Turns the model option into where its blob is.
 *
 * @param {import('./glance').LoadOptions} options
 * @returns {Promise<import('./weights.js').BlobSource & {title?: string}>}
 */
async function resolveModel(options) {
  const { model } = options;
  if (model === null || !['undefined', 'string', 'object'].includes(typeof model)) {
    throw new GlanceError('bad-option', `model is ${model}, it must be a name in models.json, a URL or { weights }.`);
  }
  if (typeof model === 'object' && !(model instanceof URL)) {
    const { weights, name = 'the given model', bytes, sha256, title } = model;
    const from = typeof weights === 'string' || weights instanceof URL ? absolute(weights).href : weights;
    if (!(typeof from === 'string' || from instanceof ArrayBuffer || from instanceof Uint8Array || from instanceof Blob)) {
      throw new GlanceError('bad-option', 'model.weights must be a URL, an ArrayBuffer, a Uint8Array or a Blob.');
    }
    return { name, from, bytes, sha256, title };
  }
  if (model instanceof URL || /\/|\.safetensors$/.test(model ?? '')) {
    const url = absolute(/** @type {string | URL} */ (model));
    return { name: url.pathname.replace(/.*\//, '').replace(/\.safetensors$/, ''), from: url.href };
  }
  const list = await models(options);
  if (!list.length) throw new GlanceError('model-unknown', 'The list of models is empty: no weights were there when the site was built.');
  const entry = model === undefined ? list[0] : list.find(({ name }) => name === model);
  if (!entry) throw new GlanceError('model-unknown', `There is no model ${model}; there are ${list.map(({ name }) => name).join(', ')}.`);
  return { name: entry.name, from: entry.url, bytes: entry.bytes, sha256: entry.sha256, title: entry.title };
}

/** A loaded model. Calls are answered in the order they were made. */
export class Classifier {
  /** @type {import('./ports.js').Port} */
  #port;
  /** Ends when every earlier call has been handed to the engine. @type {Promise<unknown>} */
  #turn = Promise.resolve();
  /** @type {import('./glance').Timing | undefined} */
  #timing;
  /** @type {Set<(error: GlanceError) => void>} */
  #pending = new Set();
  #disposed = false;
  /** What classify returns, unless the call says otherwise. */
  #ranking;

  /**
   * @param {import('./ports.js').Port} port
   * @param {{topk: number, threshold: number}} ranking
   */
  constructor(port, ranking) {
    this.#port = port;
    this.#ranking = ranking;
  }

  /**
   * @param {import('./source.js').Source} source
   * @param {import('./glance').ClassifyOptions} [options]
   * @returns {Promise<import('./glance').Prediction[]>}
   */
  async classify(source, options = {}) {
    return this.#see('classify', source, options);
  }

  /**
   * @param {import('./source.js').Source} source
   * @param {import('./glance').CallOptions} [options]
   * @returns {Promise<Float32Array>}
   */
  async embed(source, options = {}) {
    return this.#see('embed', source, options);
  }

  /**
   * @param {import('./source.js').Source} source
   * @param {import('./glance').CallOptions} [options]
   * @returns {Promise<Float32Array>}
   */
  async logits(source, options = {}) {
    return this.#see('logits', source, options);
  }

  /**
   * A picture's vector without waiting, for compat.js; of an engine in this thread.
   *
   * @param {'embedding' | 'output'} what
   * @param {ImageData} picture
   * @returns {Float32Array}
   */
  now(what, picture) {
    return /** @type {LocalPort} */ (this.#port).now(what, picture);
  }

  /**
   * @param {Float32Array} input
   * @param {import('./glance').CallOptions} [options]
   * @returns {Promise<Float32Array>}
   */
  async run(input, { transfer, signal } = {}) {
    if (!(input instanceof Float32Array)) throw new GlanceError('bad-input', 'run takes a Float32Array.');
    return this.#call({ type: 'run', input: transfer ? input : input.slice() }, signal);
  }

  /** @returns {import('./glance').Info} */
  info() {
    return { ...this.#port.info };
  }

  /** Times of the last call that was answered. */
  get timing() {
    return this.#timing;
  }

  /**
   * @param {{signal?: AbortSignal}} [options]
   * @returns {Promise<import('./glance').Memory>}
   */
  async memory({ signal } = {}) {
    return this.#call({ type: 'memory' }, signal);
  }

  /**
   * @param {{runs?: number, signal?: AbortSignal}} [options]
   * @returns {Promise<import('./glance').ProfileStep[]>}
   */
  async profile({ runs = 20, signal } = {}) {
    return this.#call({ type: 'profile', runs }, signal);
  }

  dispose() {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#port.close();
    for (const reject of this.#pending) reject(disposedError());
  }

  /**
   * Takes a snapshot of the source now, though the call's turn may come later. A
   * source that was given up is closed whatever becomes of the call.
   *
   * @param {string} type
   * @param {import('./source.js').Source} source
   * @param {import('./glance').ClassifyOptions} options
   */
  async #see(type, source, options) {
    const { transfer, signal } = options;
    try {
      const message = { type, ...checkRanking(options, this.#ranking) };
      if (!this.#disposed && !signal?.aborted) return await this.#call(message, signal, capture(source, transfer));
    } finally {
      if (transfer) /** @type {ImageBitmap} */ (source)?.close?.();
    }
    throw signal?.aborted ? abortError(signal) : disposedError();
  }

  /**
   * Hands a call to the engine when it is its turn. A call that is given up while its
   * picture is still on its way keeps no other waiting.
   *
   * @param {Record<string, any>} message
   * @param {AbortSignal} [signal]
   * @param {Promise<import('./source.js').Picture>} [captured]
   * @returns {Promise<any>}
   */
  async #call(message, signal, captured) {
    if (this.#disposed) throw disposedError();
    if (signal?.aborted) throw abortError(signal);
    const start = performance.now();
    /** @type {(error: GlanceError) => void} */
    let giveUp = () => {};
    /** @type {Promise<never>} */
    const givenUp = new Promise((_, reject) => { giveUp = reject; });
    const stop = () => giveUp(abortError(/** @type {AbortSignal} */ (signal)));
    signal?.addEventListener('abort', stop);
    this.#pending.add(giveUp);
    captured?.catch(() => {}); // awaited when it is this call's turn
    const handed = this.#turn.then(async () => {
      try {
        const picture = await Promise.race([givenUp, captured]);
        return { reply: this.#port.call({ ...message, picture }, signal) };
      } catch (error) {
        captured?.then((late) => /** @type {ImageBitmap} */ (late).close?.(), () => {});
        throw error;
      }
    });
    this.#turn = handed.catch(() => {});
    try {
      const { value, timing } = await Promise.race([givenUp, handed.then(({ reply }) => reply)]);
      if (timing) this.#timing = { ...timing, total: performance.now() - start };
      return value;
    } finally {
      signal?.removeEventListener('abort', stop);
      this.#pending.delete(giveUp);
    }
  }
}
