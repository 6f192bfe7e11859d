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

import { supported } from './backend.js';
import { GlanceError, abortError, disposedError } from './errors.js';
import { compile } from './modules.js';
import { LocalPort, WorkerPort } from './ports.js';
import { capture } from './source.js';
import { absolute, resolveURLs } from './urls.js';

export { GlanceError };

/** The backend that an earlier 'auto' has come to. @type {import('./backend.js').Backend | undefined} */
let found;

/**
 * Lists the models that models.json offers.
 *
 * @param {import('./glance').AssetOptions & {signal?: AbortSignal}} [options]
 * @returns {Promise<import('./glance').ModelEntry[]>}
 */
export async function models(options = {}) {
  const { manifest } = resolveURLs(options);
  let list;
  try {
    const response = await fetch(manifest, { signal: options.signal });
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    ({ models: list } = await response.json());
    if (!Array.isArray(list)) throw new Error('it holds no list of models');
  } catch (cause) {
    if (options.signal?.aborted) throw abortError(options.signal);
    throw new GlanceError('manifest', `The list of models at ${manifest} could not be read: ${/** @type {Error} */ (cause).message}.`, cause);
  }
  return list.map((/** @type {any} */ entry) => ({
    ...entry,
    url: new URL(entry.url, manifest).href,
    ...(entry.licenceURL && { licenceURL: new URL(entry.licenceURL, manifest).href }),
  }));
}

/**
 * Loads a model and starts an engine for it.
 *
 * @param {import('./glance').LoadOptions} [options]
 * @returns {Promise<Classifier>}
 */
export async function load(options = {}) {
  const { backend = 'auto', threads, worker = true, signal, onProgress = () => {} } = options;
  if (typeof WebAssembly !== 'object') throw new GlanceError('unsupported', 'This browser has no WebAssembly, or it is switched off.');
  if (!['auto', 'simd128', 'relaxed', 'go'].includes(backend)) {
    throw new GlanceError('bad-option', `backend is ${JSON.stringify(backend)}, it must be 'auto', 'simd128', 'relaxed' or 'go'.`);
  }
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1 && threads <= 32)) {
    throw new GlanceError('bad-option', `threads is ${threads}, it must be a whole number from 1 to 32.`);
  }
  if (signal?.aborted) throw abortError(signal);
  const urls = resolveURLs(options);

  // What any engine needs starts now, beside the list of models.
  const twin = backend === 'go' || supported().length === 1;
  compile(twin ? urls.twin : urls.engine).catch(() => {}); // reported to the engine when it asks
  const port = worker ? new WorkerPort(urls) : new LocalPort(urls);
  try {
    const { title, ...blob } = await resolveModel(options);
    const engineOptions = { blob, title, threads, urls, backend: backend === 'auto' ? found ?? backend : backend };
    await port.start(engineOptions, onProgress, signal);
    if (backend === 'auto') found = port.info.backend;
    return new Classifier(port);
  } catch (error) {
    port.close();
    throw error;
  }
}

/**
 * Turns the model option into where its blob is.
 *
 * @param {import('./glance').LoadOptions} options
 * @returns {Promise<import('./weights.js').BlobSource & {title?: string}>}
 */
async function resolveModel(options) {
  const { model } = options;
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

  /** @param {import('./ports.js').Port} port */
  constructor(port) {
    this.#port = port;
  }

  /**
   * @param {import('./source.js').Source} source
   * @param {{topk?: number, signal?: AbortSignal}} [options]
   * @returns {Promise<import('./glance').Prediction[]>}
   */
  async classify(source, { topk = 5, signal } = {}) {
    if (!(Number.isInteger(topk) && topk >= 1)) throw new GlanceError('bad-option', `topk is ${topk}, it must be a whole number from 1.`);
    return this.#call({ type: 'classify', topk }, signal, source);
  }

  /**
   * @param {import('./source.js').Source} source
   * @param {{signal?: AbortSignal}} [options]
   * @returns {Promise<Float32Array>}
   */
  async embed(source, { signal } = {}) {
    return this.#call({ type: 'embed' }, signal, source);
  }

  /**
   * @param {Float32Array} input
   * @param {{signal?: AbortSignal}} [options]
   * @returns {Promise<Float32Array>}
   */
  async run(input, { signal } = {}) {
    if (!(input instanceof Float32Array)) throw new GlanceError('bad-input', 'run takes a Float32Array.');
    return this.#call({ type: 'run', input }, signal);
  }

  /** @returns {import('./glance').Info} */
  info() {
    return { ...this.#port.info };
  }

  /** Times of the last call that was answered. */
  get timing() {
    return this.#timing;
  }

  /** @returns {Promise<import('./glance').Memory>} */
  async memory() {
    return this.#call({ type: 'memory' });
  }

  /**
   * @param {{runs?: number}} [options]
   * @returns {Promise<import('./glance').ProfileStep[]>}
   */
  async profile({ runs = 20 } = {}) {
    return this.#call({ type: 'profile', runs });
  }

  dispose() {
    if (this.#disposed) return;
    this.#disposed = true;
    this.#port.close();
    for (const reject of this.#pending) reject(disposedError());
  }

  /**
   * Hands a call to the engine when it is its turn.
   *
   * @param {Record<string, any>} message
   * @param {AbortSignal} [signal]
   * @param {import('./source.js').Source} [source] captured now, though its turn may come later
   * @returns {Promise<any>}
   */
  #call(message, signal, source) {
    if (this.#disposed) return Promise.reject(disposedError());
    if (signal?.aborted) return Promise.reject(abortError(signal));
    const start = performance.now();
    return new Promise((resolve, reject) => {
      const stop = () => reject(abortError(/** @type {AbortSignal} */ (signal)));
      signal?.addEventListener('abort', stop);
      this.#pending.add(reject);
      const captured = source === undefined && message.type !== 'classify' && message.type !== 'embed'
        ? undefined
        : capture(/** @type {any} */ (source), this.#port.moves);
      captured?.catch(() => {}); // awaited when it is this call's turn
      const answer = this.#turn.then(async () => {
        const picture = await captured;
        if (signal?.aborted || this.#disposed) {
          if (picture && !picture.borrowed) /** @type {ImageBitmap} */ (picture.picture).close();
          return undefined; // rejected already
        }
        return { reply: this.#port.call(picture ? { ...message, captured: picture } : message, signal) };
      });
      this.#turn = answer.catch(() => {});
      answer
        .then((handed) => handed?.reply)
        .then((reply) => {
          if (!reply) return;
          if (reply.timing) this.#timing = { ...reply.timing, total: performance.now() - start };
          resolve(reply.value);
        })
        .catch(reject)
        .finally(() => {
          signal?.removeEventListener('abort', stop);
          this.#pending.delete(reject);
        });
    });
  }
}
