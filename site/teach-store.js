import { GlanceError } from './errors.js';

/**
 * What was taught to one network, as it is kept.
 *
 * @typedef {object} KeptNetwork
 * @property {string} sha256 of the network's weights
 * @property {string[]} classes in their order, those without examples too
 * @property {Uint8Array} [head] the trained head's file
 * @property {boolean} live whether the results show the taught classes
 * @property {boolean} stale whether examples have changed since the training
 */

/**
 * An example, as it is kept.
 *
 * @typedef {object} KeptExample
 * @property {string} sha256 of the network's weights
 * @property {number} time when it was taken, in milliseconds, which no other example of the network has
 * @property {string} className
 * @property {Float32Array} embedding
 * @property {Uint8Array} thumbnail a JPEG
 */

/** Keeps what was taught in IndexedDB. Its errors are GlanceErrors with the code 'storage'. */
export class TeachStore {
  /** @type {Promise<IDBDatabase> | undefined} */
  #database;

  /**
   * @param {string} sha256
   * @returns {Promise<{network: KeptNetwork | undefined, examples: KeptExample[]}>} the examples in the order of their times
   */
  async read(sha256) {
    const { network, examples } = await this.#run('readonly', (networks, all) => ({
      network: networks.get(sha256), examples: all.getAll(ofNetwork(sha256)),
    }));
    return { network: network.result, examples: examples.result };
  }

  /** @param {KeptNetwork} network */
  async writeNetwork(network) {
    await this.#run('readwrite', (networks) => networks.put(network));
  }

  /** @param {KeptExample} example */
  async writeExample(example) {
    await this.#run('readwrite', (_, examples) => examples.put(example));
  }

  /**
   * Removes examples.
   *
   * @param {string} sha256
   * @param {number[]} times
   */
  async removeExamples(sha256, times) {
    await this.#run('readwrite', (_, examples) => times.forEach((time) => examples.delete([sha256, time])));
  }

  /**
   * Gives a class's examples another class.
   *
   * @param {string} sha256
   * @param {string} className
   * @param {string} to
   */
  async renameClass(sha256, className, to) {
    await this.#run('readwrite', (_, examples) => {
      const cursors = examples.openCursor(ofNetwork(sha256));
      cursors.onsuccess = () => {
        const cursor = cursors.result;
        if (!cursor) return;
        if (cursor.value.className === className) cursor.update({ ...cursor.value, className: to });
        cursor.continue();
      };
    });
  }

  /** Removes everything, of every network. */
  async clear() {
    await this.#run('readwrite', (networks, examples) => {
      networks.clear();
      examples.clear();
    });
  }

  /**
   * Runs one transaction and returns what work returned once it is complete.
   *
   * @template T
   * @param {IDBTransactionMode} mode
   * @param {(networks: IDBObjectStore, examples: IDBObjectStore) => T} work
   * @returns {Promise<T>}
   */
  async #run(mode, work) {
    try {
      const database = await (this.#database ??= this.#open());
      return await new Promise((resolve, reject) => {
        const transaction = database.transaction(['networks', 'examples'], mode);
        transaction.onabort = () => reject(transaction.error);
        const value = work(transaction.objectStore('networks'), transaction.objectStore('examples'));
        transaction.oncomplete = () => resolve(value);
      });
    } catch (cause) {
      throw new GlanceError('storage', refusalWords(cause), cause);
    }
  }

  /** @returns {Promise<IDBDatabase>} */
  async #open() {
    try {
      return await new Promise((resolve, reject) => {
        const request = indexedDB.open('glance-teach', 1);
        request.onupgradeneeded = () => {
          request.result.createObjectStore('networks', { keyPath: 'sha256' });
          request.result.createObjectStore('examples', { keyPath: ['sha256', 'time'] });
        };
        request.onerror = () => reject(request.error);
        request.onsuccess = () => {
          // The browser may close it, and another tab with a later version wants it closed.
          request.result.onclose = () => { this.#database = undefined; };
          request.result.onversionchange = () => {
            request.result.close();
            this.#database = undefined;
          };
          resolve(request.result);
        };
      });
    } catch (cause) {
      this.#database = undefined; // the next call tries again
      throw cause;
    }
  }
}

/** @param {string} sha256 */
function ofNetwork(sha256) {
  return IDBKeyRange.bound([sha256, -Infinity], [sha256, Infinity]);
}

/**
 * Why nothing can be kept, and what to do.
 *
 * @param {unknown} cause
 */
function refusalWords(cause) {
  const { name, message } = /** @type {Error} */ (cause ?? { name: '', message: 'the browser gave no reason' });
  switch (name) {
    case 'QuotaExceededError':
      return 'The storage that the browser gives this page is full. Nothing new is kept when the page is closed: save the trained head as a file, or delete examples.';
    case 'ReferenceError': // there is no indexedDB
    case 'SecurityError':
    case 'InvalidStateError':
    case 'UnknownError':
      return 'The browser keeps nothing for this page, as in a private window. What is taught is gone when the page is closed: save the trained head as a file.';
    case 'VersionError':
      return 'What was taught before was kept by a later version of this page: reload the page to get that version.';
  }
  return `What is taught cannot be kept (${message}). It is gone when the page is closed: save the trained head as a file.`;
}
