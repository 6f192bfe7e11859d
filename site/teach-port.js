import { GlanceError, abortError, asGlanceError, fromMessage } from './errors.js';
import { fetchFile } from './modules.js';
import { trainingModule } from './teach-module.js';
import { split } from './urls.js';

/** @typedef {(loaded: number, total: number) => void} Listener */

/** The training module (wasm/teach) in a worker of its own, started by the first call. */
export class TeachPort {
  #urls;
  /** @type {Worker | undefined} */
  #worker;
  /** Ends when the worker takes calls. @type {Promise<void> | undefined} */
  #started;
  /** Who wants to know how far the download is. @type {Set<Listener>} */
  #listeners = new Set();
  #next = 1;
  /** @type {Map<number, {resolve: (value: any) => void, reject: (error: GlanceError) => void, progress?: (done: number) => void}>} */
  #pending = new Map();
  /** Why the worker no longer answers. @type {GlanceError | undefined} */
  #broken;

  /** @param {{module: string, worker?: string}} urls */
  constructor(urls) {
    this.#urls = urls;
  }

  /**
   * Fetches the module and starts the worker, unless that has been done. A signal
   * ends the waiting; what was begun goes on, as others may wait for it as well.
   *
   * @param {Listener} [listener]
   * @param {AbortSignal} [signal]
   * @returns {Promise<void>}
   */
  async start(listener, signal) {
    if (this.#broken) throw this.#broken;
    if (signal?.aborted) throw abortError(signal);
    if (listener) this.#listeners.add(listener);
    let stop = () => {};
    try {
      this.#started ??= this.#begin();
      await Promise.race([this.#started, new Promise((_, reject) => {
        stop = () => reject(abortError(/** @type {AbortSignal} */ (signal)));
        signal?.addEventListener('abort', stop);
      })]);
    } finally {
      signal?.removeEventListener('abort', stop);
      if (listener) this.#listeners.delete(listener);
    }
  }

  async #begin() {
    try {
      const { worker } = this.#urls;
      const [module] = await Promise.all([
        trainingModule(this.#urls.module, (loaded, total) => {
          for (const listener of this.#listeners) listener(loaded, total);
        }),
        worker && split(worker).integrity && fetchFile(worker), // a worker's script has no integrity attribute
      ]);
      if (this.#broken) throw this.#broken;
      this.#worker = worker === undefined
        ? new Worker(new URL('./teach-worker.js', import.meta.url), { type: 'module', name: 'glance-teach' })
        : new Worker(worker, { type: 'module', name: 'glance-teach' });
      this.#worker.onmessage = ({ data }) => this.#receive(data);
      this.#worker.onerror = (event) => {
        event.preventDefault();
        this.fail(event.message
          ? new GlanceError('engine-crashed', `The worker that trains failed: ${event.message}`)
          : new GlanceError('engine-http', `The worker that trains could not be started: is ${worker ?? 'teach-worker.js'} there, and does the page's Content-Security-Policy allow it (worker-src)?`));
      };
      await this.#send('start', [module]);
    } catch (error) {
      this.#started = undefined; // the next call tries again
      throw asGlanceError(error, 'engine-crashed', 'The training module could not be started');
    }
  }

  /**
   * Calls a function of the module.
   *
   * @param {'train' | 'load' | 'save' | 'predict' | 'rename' | 'release'} name
   * @param {unknown[]} args
   * @param {{transfer?: Transferable[], progress?: (done: number) => void, listener?: Listener, signal?: AbortSignal}} [options]
   *   the signal aborts a training, and waiting for the module
   * @returns {Promise<any>}
   */
  async call(name, args, { transfer, progress, listener, signal } = {}) {
    await this.start(listener, signal);
    if (this.#broken) throw this.#broken;
    if (signal?.aborted) throw abortError(signal);
    const id = this.#next;
    const stop = () => this.#worker?.postMessage({ id, name: 'abort' });
    signal?.addEventListener('abort', stop);
    try {
      return await this.#send(name, args, transfer, progress);
    } catch (error) {
      // The module says that it has stopped; the caller wants its own reason too.
      throw signal?.aborted && error instanceof GlanceError && error.code === 'aborted' ? abortError(signal) : error;
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  /**
   * Ends the worker; calls that wait for it reject with the error.
   *
   * @param {GlanceError} error
   */
  fail(error) {
    if (this.#broken) return;
    this.#broken = error;
    this.#worker?.terminate();
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }

  /**
   * @param {string} name
   * @param {unknown[]} args
   * @param {Transferable[]} [transfer]
   * @param {(done: number) => void} [progress]
   * @returns {Promise<any>}
   */
  #send(name, args, transfer = [], progress = undefined) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#pending.set(id, { resolve, reject, progress });
      this.#worker?.postMessage({ id, name, args }, transfer);
    });
  }

  /** @param {{id: number, value?: any, error?: any, progress?: number, failed?: any}} data */
  #receive({ id, value, error, progress, failed }) {
    if (failed) {
      this.fail(fromMessage(failed));
      return;
    }
    const call = this.#pending.get(id);
    if (progress !== undefined) {
      call?.progress?.(progress);
      return;
    }
    this.#pending.delete(id);
    if (error) call?.reject(new GlanceError(error.code, error.message.replace(/^teach: /, ''), error.base));
    else call?.resolve(value);
  }
}
