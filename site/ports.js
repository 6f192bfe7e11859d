import { Engine, threadCount } from './engine.js';
import { disposedError, fromMessage } from './errors.js';
import { Link, checkScript } from './link.js';
import { compile } from './modules.js';
import { split } from './urls.js';

/**
 * Where an engine runs.
 *
 * @typedef {object} Port
 * @property {(options: import('./engine.js').EngineOptions, progress: (p: any) => void, signal?: AbortSignal) => Promise<void>} start
 * @property {import('./glance').Info} info known once started; its threads change as they start
 * @property {(message: Record<string, any>, signal?: AbortSignal) => Promise<{value: any, timing?: any}>} call
 *   takes the message's picture or input over, and closes the picture whatever becomes of the call
 * @property {(error?: import('./errors.js').GlanceError) => void} onkept set by the caller; see EngineHost's kept
 * @property {() => void} close
 */

/** An engine in a worker of its own. @implements {Port} */
export class WorkerPort {
  /** @type {any} */
  info;
  /** @type {(error?: import('./errors.js').GlanceError) => void} */
  onkept = () => {};
  /** What the worker said last of its threads. */
  #threads = 0;
  #urls;
  #link;
  /** Rejects where a script of the worker or its helpers differs from the hash in its URL. */
  #checked;

  /** @param {import('./urls.js').AssetURLs} urls */
  constructor(urls) {
    this.#urls = urls;
    this.#checked = Promise.all([urls.worker, urls.helper].map(checkScript));
    this.#link = new Link("The engine's worker", split(urls.worker ?? 'worker.js').address, () => (urls.worker === undefined
      ? new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'glance' })
      : new Worker(urls.worker, { type: 'module', name: 'glance' })), this.#checked, (message) => this.#hear(message));
  }

  /**
   * @param {import('./engine.js').EngineOptions} options
   * @param {(p: any) => void} progress
   * @param {AbortSignal} [signal]
   */
  async start(options, progress, signal) {
    const [{ value }] = await Promise.all([this.#link.call({ type: 'start', options }, { signal, progress }), this.#checked]);
    this.info = value;
    if (this.#threads) this.info.threads = this.#threads;
  }

  /**
   * @param {Record<string, any>} message
   * @param {AbortSignal} [signal]
   * @returns {Promise<{value: any, timing?: any}>}
   */
  call(message, signal) {
    const { picture, input } = message;
    const buffer = (input ?? picture?.data)?.buffer; // of run's input, or of ImageData
    return this.#link.call(message, { transfer: buffer ? [buffer] : picture?.close ? [picture] : [], signal });
  }

  close() {
    this.#link.close(disposedError());
  }

  /** @param {any} message */
  #hear({ compile: asset, threads, kept, error }) {
    if (asset) {
      compile(this.#urls[/** @type {import('./urls.js').Asset} */ (asset)]).then(
        (module) => this.#link.tell({ type: 'module', asset, module }),
        ({ code, message }) => this.#link.tell({ type: 'module', asset, error: { code, message } }),
      );
    } else if (threads) {
      this.#threads = threads;
      if (this.info) this.info.threads = threads;
    } else if (kept) {
      this.onkept(error && fromMessage(error));
    }
  }
}

/** An engine in the calling thread. @implements {Port} */
export class LocalPort {
  /** @type {(error?: import('./errors.js').GlanceError) => void} */
  onkept = () => {};
  #urls;
  /** @type {Engine | undefined} */
  #engine;

  /** @param {import('./urls.js').AssetURLs} urls */
  constructor(urls) {
    this.#urls = urls;
  }

  /**
   * @param {import('./engine.js').EngineOptions} options
   * @param {(p: any) => void} progress
   * @param {AbortSignal} [signal]
   */
  async start(options, progress, signal) {
    const checked = checkScript(threadCount(options.threads) > 1 ? this.#urls.helper : undefined);
    checked.catch(() => {}); // awaited below
    this.#engine = await Engine.start(options, { compile: (asset) => compile(this.#urls[asset]), progress, threads: () => {}, kept: (error) => this.onkept(error), signal });
    await checked;
  }

  /**
   * @param {Record<string, any>} message
   * @param {AbortSignal} [signal]
   */
  call(message, signal) {
    return /** @type {Engine} */ (this.#engine).call(message, signal);
  }

  /**
   * @param {'embedding' | 'output'} what
   * @param {ImageData} picture
   */
  now(what, picture) {
    return /** @type {Engine} */ (this.#engine).now(what, picture);
  }

  get info() {
    return /** @type {import('./glance').Info} */ (this.#engine?.info);
  }

  close() {
    this.#engine?.close();
  }
}
