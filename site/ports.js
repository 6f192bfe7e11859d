import { Engine } from './engine.js';
import { GlanceError, abortError, disposedError, fromMessage } from './errors.js';
import { compile, fetchFile } from './modules.js';
import { split } from './urls.js';

/**
 * Where an engine runs.
 *
 * @typedef {object} Port
 * @property {(options: import('./engine.js').EngineOptions, progress: (p: any) => void, signal?: AbortSignal) => Promise<void>} start
 * @property {import('./glance').Info} info known once started; its threads change as they start
 * @property {(message: Record<string, any>, signal?: AbortSignal) => Promise<{value: any, timing?: any}>} call
 *   takes the message's picture or input over, and closes the picture whatever becomes of the call
 * @property {(error?: GlanceError) => void} onkept set by the caller; see EngineHost's kept
 * @property {() => void} close
 */

/** An engine in a worker of its own. @implements {Port} */
export class WorkerPort {
  /** @type {any} */
  info;
  /** @type {(error?: GlanceError) => void} */
  onkept = () => {};
  /** What the worker said last of its threads. */
  #threads = 0;
  #urls;
  #worker;
  #next = 1;
  /** @type {Map<number, {resolve: (reply: any) => void, reject: (error: GlanceError) => void, progress?: (p: any) => void}>} */
  #pending = new Map();
  /** Why the worker no longer answers. @type {GlanceError | undefined} */
  #broken;
  /** Rejected where a script of the worker or its helpers differs from the hash in its URL. */
  #checked;

  /** @param {import('./urls.js').AssetURLs} urls */
  constructor(urls) {
    this.#urls = urls;
    this.#worker = urls.worker === undefined
      ? new Worker(new URL('./worker.js', import.meta.url), { type: 'module', name: 'glance' })
      : new Worker(urls.worker, { type: 'module', name: 'glance' });
    this.#worker.onmessage = ({ data }) => this.#receive(data);
    this.#worker.onmessageerror = () => this.#fail(new GlanceError('engine-crashed', 'An answer of the engine could not be read.'));
    this.#worker.onerror = (event) => {
      event.preventDefault();
      const failure = event.message
        ? new GlanceError('engine-crashed', `The engine's worker failed: ${event.message}`)
        : new GlanceError('engine-http', `The engine's worker could not be started: is ${split(urls.worker ?? 'worker.js').address} there, and does the page's Content-Security-Policy allow it (worker-src)?`);
      this.#checked.then(() => this.#fail(failure), (damaged) => this.#fail(damaged));
    };
    this.#checked = Promise.all([urls.worker, urls.helper].map(checkScript));
    this.#checked.catch((damaged) => this.#fail(damaged));
  }

  /**
   * @param {import('./engine.js').EngineOptions} options
   * @param {(p: any) => void} progress
   * @param {AbortSignal} [signal]
   */
  async start(options, progress, signal) {
    const started = this.#send({ type: 'start', options }, [], signal, progress);
    await Promise.all([started, this.#checked]);
    ({ value: this.info } = await started);
    if (this.#threads) this.info.threads = this.#threads;
  }

  /**
   * @param {Record<string, any>} message
   * @param {AbortSignal} [signal]
   */
  call(message, signal) {
    const { picture, input } = message;
    const buffer = (input ?? picture?.data)?.buffer; // of run's input, or of ImageData
    return this.#send(message, buffer ? [buffer] : picture?.close ? [picture] : [], signal);
  }

  close() {
    this.#fail(disposedError());
  }

  /**
   * @param {Record<string, any>} message
   * @param {Transferable[]} transfer
   * @param {AbortSignal} [signal]
   * @param {(p: any) => void} [progress]
   * @returns {Promise<{value: any, timing?: any}>}
   */
  #send(message, transfer, signal, progress) {
    if (this.#broken) {
      message.picture?.close?.();
      return Promise.reject(this.#broken);
    }
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      const stop = () => {
        this.#worker.postMessage({ type: 'abort', id });
        reject(abortError(/** @type {AbortSignal} */ (signal)));
      };
      const settle = () => signal?.removeEventListener('abort', stop);
      this.#pending.set(id, {
        resolve: (reply) => { settle(); resolve(reply); },
        reject: (error) => { settle(); reject(error); },
        progress,
      });
      try {
        this.#worker.postMessage({ ...message, id }, transfer);
      } catch (cause) {
        this.#pending.delete(id);
        message.picture?.close?.();
        reject(new GlanceError('bad-input', `The call could not be sent to the engine: ${/** @type {Error} */ (cause).message}`, cause));
        return;
      }
      signal?.addEventListener('abort', stop);
    });
  }

  /** @param {any} data */
  #receive(data) {
    if (data.compile) {
      compile(this.#urls[/** @type {import('./urls.js').Asset} */ (data.compile)]).then(
        (module) => this.#worker.postMessage({ type: 'module', asset: data.compile, module }),
        ({ code, message }) => this.#worker.postMessage({ type: 'module', asset: data.compile, error: { code, message } }),
      );
      return;
    }
    if (data.threads) {
      this.#threads = data.threads;
      if (this.info) this.info.threads = data.threads;
      return;
    }
    if (data.kept) {
      this.onkept(data.error && fromMessage(data.error));
      return;
    }
    const call = this.#pending.get(data.id);
    if (!call) return;
    if (data.progress) {
      call.progress?.(data.progress);
      return;
    }
    this.#pending.delete(data.id);
    if (data.error) call.reject(fromMessage(data.error));
    else call.resolve(data);
  }

  /** @param {GlanceError} error */
  #fail(error) {
    if (this.#broken) return;
    this.#broken = error;
    this.#worker.terminate();
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}

/**
 * Compares a worker's script with the hash that its URL ends with. Browsers do not
 * when they start a worker, so it is fetched once more, from their cache; one
 * that is not there is reported by whoever starts it.
 *
 * @param {string | undefined} url
 */
async function checkScript(url) {
  if (!url || !split(url).integrity) return;
  try {
    await fetchFile(url);
  } catch (error) {
    if (/** @type {GlanceError} */ (error).code === 'engine-integrity') throw error;
  }
}

/** An engine in the calling thread. @implements {Port} */
export class LocalPort {
  /** @type {(error?: GlanceError) => void} */
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
    this.#engine = await Engine.start(options, { compile: (asset) => compile(this.#urls[asset]), progress, threads: () => {}, kept: (error) => this.onkept(error), signal });
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
