import { abortError, asGlanceError, fromMessage } from './errors.js';
import { Link, checkScript } from './link.js';
import { trainingModule } from './teach-module.js';
import { split } from './urls.js';

/** @typedef {(loaded: number, total: number) => void} Listener */

/** The training module (wasm/teach) in a worker of its own, started by the first call. */
export class TeachPort {
  #urls;
  /** @type {Link | undefined} */
  #link;
  /** Ends when the worker takes calls. @type {Promise<void> | undefined} */
  #started;
  /** Whether it does. Then nothing is waited for: a wait for what never ends would stay in memory, one for each frame. */
  #ready = false;
  /** Who wants to know how far the download is. @type {Set<Listener>} */
  #listeners = new Set();
  /** Rejects when the port is closed. @type {Promise<never>} */
  #closed;
  /** @type {(error: import('./errors.js').GlanceError) => void} */
  #end = () => {};
  /** Why it is closed. @type {import('./errors.js').GlanceError | undefined} */
  #over;

  /** @param {{module: string, worker?: string}} urls */
  constructor(urls) {
    this.#urls = urls;
    this.#closed = new Promise((_, reject) => { this.#end = reject; });
    this.#closed.catch(() => {}); // told to those who call
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
    if (this.#over) throw this.#over;
    if (signal?.aborted) throw abortError(signal);
    if (this.#ready) return;
    if (listener) this.#listeners.add(listener);
    let stop = () => {};
    try {
      this.#started ??= this.#begin();
      await Promise.race([this.#started, this.#closed, new Promise((_, reject) => {
        stop = () => reject(abortError(/** @type {AbortSignal} */ (signal)));
        signal?.addEventListener('abort', stop);
      })]);
    } finally {
      signal?.removeEventListener('abort', stop);
      if (listener) this.#listeners.delete(listener);
    }
  }

  async #begin() {
    const { module: url, worker } = this.#urls;
    const checked = checkScript(worker);
    checked.catch(() => {}); // reported when the worker is started
    try {
      const module = await trainingModule(url, (loaded, total) => {
        for (const listener of this.#listeners) listener(loaded, total);
      });
      if (this.#over) throw this.#over;
      this.#link = new Link('The worker that trains', split(worker ?? 'teach-worker.js').address, () => (worker === undefined
        ? new Worker(new URL('./teach-worker.js', import.meta.url), { type: 'module', name: 'glance-teach' })
        : new Worker(worker, { type: 'module', name: 'glance-teach' })), checked, (message) => this.#hear(message));
      await Promise.all([this.#link.call({ type: 'start', args: [module] }), checked]);
      this.#ready = true;
    } catch (cause) {
      const error = asGlanceError(cause, 'engine-crashed', 'The training module could not be started');
      this.#link?.close(error);
      this.#started = undefined; // the next call tries again
      throw error;
    }
  }

  /**
   * Calls a function of the module.
   *
   * @param {'train' | 'load' | 'save' | 'predict' | 'rename' | 'release'} type
   * @param {unknown[]} args
   * @param {{transfer?: Transferable[], progress?: (done: number) => void, listener?: Listener, signal?: AbortSignal}} [options]
   * @returns {Promise<any>}
   */
  async call(type, args, { transfer, progress, listener, signal } = {}) {
    await this.start(listener, signal);
    const { value } = await /** @type {Link} */ (this.#link).call({ type, args }, { transfer, progress, signal });
    return value;
  }

  /**
   * Ends the worker; calls that wait for it reject with the error, as all later ones do.
   *
   * @param {import('./errors.js').GlanceError} error
   */
  close(error) {
    this.#over ??= error;
    this.#end(error);
    this.#link?.close(error);
  }

  /** @param {any} message */
  #hear({ failed, value }) {
    if (failed) this.#link?.close(fromMessage(failed));
    if (value?.head) this.call('release', [value.head]).catch(() => {}); // of a call that was given up
  }
}
