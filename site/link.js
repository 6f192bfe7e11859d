import { GlanceError, abortError, asGlanceError, fromMessage } from './errors.js';
import { fetchFile } from './modules.js';
import { split } from './urls.js';

/**
 * A worker that takes calls. A call goes to it as {id, ...} and comes back as
 * {id, value, ...} or {id, error}, after any number of {id, progress}. One that is
 * given up is followed by {type: 'abort', id}.
 */
export class Link {
  /** @type {Worker | undefined} */
  #worker;
  #heard;
  #next = 1;
  /** The calls that wait, by their id. @type {Map<number, {resolve: (answer: any) => void, reject: (error: GlanceError) => void, progress?: (progress: any) => void}>} */
  #waiting = new Map();
  /** Why the worker no longer answers. @type {GlanceError | undefined} */
  #broken;

  /**
   * @param {string} what the worker is, to begin a sentence with
   * @param {string} address of its script, for messages
   * @param {() => Worker} start
   * @param {Promise<unknown>} checked rejects where a script differs from its hash; see checkScript
   * @param {(message: any) => void} heard called with what answers no call that waits
   */
  constructor(what, address, start, checked, heard) {
    this.#heard = heard;
    checked.catch((damaged) => this.close(damaged));
    try {
      this.#worker = start();
    } catch (cause) {
      throw new GlanceError('unsupported', `${what} could not be started: browsers take its script, ${address}, only from the page's own origin, and where the Content-Security-Policy allows it (worker-src).`, cause);
    }
    this.#worker.onmessage = ({ data }) => this.#receive(data);
    this.#worker.onmessageerror = () => this.close(new GlanceError('engine-crashed', `${what} gave an answer that could not be read.`));
    this.#worker.onerror = (event) => {
      event.preventDefault();
      const failure = event.message
        ? new GlanceError('engine-crashed', `${what} failed: ${event.message}`)
        : new GlanceError('engine-http', `${what} could not be started: is ${address} there, and does the page's Content-Security-Policy allow it (worker-src)?`);
      checked.then(() => this.close(failure), () => {});
    };
  }

  /**
   * Calls the worker. A call rejects at once where its signal is aborted.
   *
   * @param {Record<string, any>} message its picture is closed where it cannot be sent
   * @param {{transfer?: Transferable[], signal?: AbortSignal, progress?: (progress: any) => void}} [options]
   * @returns {Promise<any>} the answer's message
   */
  call(message, { transfer = [], signal, progress } = {}) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      try {
        if (this.#broken) throw this.#broken;
        if (signal?.aborted) throw abortError(signal);
        this.#worker?.postMessage({ ...message, id }, transfer);
      } catch (cause) {
        message.picture?.close?.();
        reject(asGlanceError(cause, 'bad-input', 'The call could not be sent to its worker'));
        return;
      }
      const stop = () => {
        this.tell({ type: 'abort', id });
        this.#waiting.get(id)?.reject(abortError(/** @type {AbortSignal} */ (signal)));
      };
      const ended = () => {
        signal?.removeEventListener('abort', stop);
        this.#waiting.delete(id);
      };
      this.#waiting.set(id, {
        resolve: (answer) => { ended(); resolve(answer); },
        reject: (error) => { ended(); reject(error); },
        progress,
      });
      signal?.addEventListener('abort', stop);
    });
  }

  /**
   * Sends what needs no answer.
   *
   * @param {Record<string, any>} message
   */
  tell(message) {
    this.#worker?.postMessage(message);
  }

  /**
   * Ends the worker. The calls that wait, and all later ones, reject with the error.
   *
   * @param {GlanceError} error
   */
  close(error) {
    if (this.#broken) return;
    this.#broken = error;
    this.#worker?.terminate();
    for (const { reject } of this.#waiting.values()) reject(error);
  }

  /** @param {any} message */
  #receive(message) {
    const call = this.#waiting.get(message.id);
    if (!call) this.#heard(message);
    else if (message.progress !== undefined) call.progress?.(message.progress);
    else if (message.error) call.reject(fromMessage(message.error));
    else call.resolve(message);
  }
}

/**
 * Compares a worker's script with the hash that its URL ends with. Browsers do not
 * when they start a worker, so it is fetched once more, from their cache; one
 * that is not there is reported by whoever starts it.
 *
 * @param {string | undefined} url
 */
export async function checkScript(url) {
  if (!url || !split(url).integrity) return;
  try {
    await fetchFile(url);
  } catch (error) {
    if (/** @type {GlanceError} */ (error).code === 'engine-integrity') throw error;
  }
}
