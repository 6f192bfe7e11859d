import { dropKept, findKept } from './cached.js';
import { GlanceError, abortError } from './errors.js';
import { digest, looksLike } from './modules.js';

/** What to do about a file that is not the one it should be. */
const remedy = 'Try again; if that does not help, choose another model, or ask whoever runs this site to upload the file again.';

/** Bytes of JSON a blob may start with; the engine refuses more as well. */
const maxHeader = 4 << 20;

/**
 * Where a blob comes from.
 *
 * @typedef {object} BlobSource
 * @property {string} name for messages
 * @property {string | ArrayBuffer | Uint8Array | Blob} from a URL or the bytes
 * @property {number} [bytes] size of the file
 * @property {string} [sha256] of the file, in hexadecimal
 * @property {boolean} [keep] whether the file is taken from those kept in the browser, and kept there
 * @property {Blob} [preloaded] the file that is at `from`, where it was fetched before
 * @property {boolean} [fresh] whether what was fetched before is passed over
 */

/**
 * Has a file fetched and used. Where it is not the one it should be, that is done once
 * more with a fresh one: the browser's cache may have held another version.
 *
 * @template T
 * @param {BlobSource} source
 * @param {(source: BlobSource) => Promise<T>} use
 * @returns {Promise<T>}
 */
export async function tryTwice(source, use) {
  try {
    return await use(source);
  } catch (error) {
    const wrong = /^weights-(integrity|format)$/.test(/** @type {GlanceError} */ (error).code);
    if (typeof source.from !== 'string' || !wrong) throw error;
    return use({ ...source, fresh: true });
  }
}

/** Bytes that may wait for a reader. Beyond them, the download waits. */
const ahead = 16 << 20;

/**
 * A weight file on its way in. It is fetched ahead, while the engine starts.
 * Reading it has two steps: the header, which says what the file holds, and the
 * data section, which is handed on as it arrives.
 */
export class Download {
  /** Whether it comes from the files kept in the browser. */
  kept = false;
  /** @type {BlobSource} */
  #source;
  /** @type {AbortSignal | undefined} */
  #signal;
  /** @type {ReadableStreamDefaultReader<Uint8Array>} */
  #reader;
  /** The Content-Type, for messages. */
  #type = '';
  /** What has arrived and was not read yet. @type {Uint8Array[]} */
  #chunks = [];
  #waiting = 0; // bytes in chunks
  #received = 0; // bytes in all
  #total = 0; // bytes to come in all, 0 where it is not known yet
  #ended = false;
  /** @type {(received: number, total: number) => void} */
  #progress;
  #shown = -Infinity; // when progress was called last
  /** A call of progress that is due. @type {ReturnType<typeof setTimeout> | undefined} */
  #late;
  /** @type {GlanceError | undefined} */
  #failure;
  /** Continues whoever waits for the other side. */
  #wake = () => {};

  /**
   * @param {BlobSource} source
   * @param {ReadableStream<Uint8Array>} stream
   * @param {Headers} headers the answer's
   * @param {(received: number, total: number) => void} progress
   * @param {AbortSignal} [signal]
   */
  constructor(source, stream, headers, progress, signal) {
    this.#source = source;
    this.#reader = stream.getReader();
    this.#type = headers.get('Content-Type') ?? '';
    this.#total = source.bytes ?? (headers.has('Content-Encoding') ? 0 : Number(headers.get('Content-Length')));
    this.#progress = progress;
    this.#signal = signal;
    this.#fetch();
  }

  /**
   * Starts a download. The signal ends it at any later time.
   *
   * @param {BlobSource} source
   * @param {(received: number, total: number) => void} progress called as bytes arrive, at most every 50 ms; the total
   *   is 0 while it is not known
   * @param {AbortSignal} [signal]
   */
  static async open(source, progress, signal) {
    const { from, name, fresh } = source;
    const given = typeof from !== 'string' ? from : fresh ? undefined : source.preloaded;
    if (given) {
      const blob = given instanceof Blob ? given : new Blob([/** @type {BlobPart} */ (given)]);
      return new Download(source, blob.stream(), new Headers({ 'Content-Length': String(blob.size) }), progress, signal);
    }
    let response = source.keep && source.sha256 && !fresh ? await findKept(source.sha256) : undefined;
    if (response?.body) {
      const download = new Download(source, response.body, response.headers, progress, signal);
      download.kept = true;
      return download;
    }
    try {
      response = await fetch(/** @type {string} */ (from), { signal, cache: fresh ? 'reload' : 'default' });
    } catch (cause) {
      if (signal?.aborted) throw abortError(signal);
      throw new GlanceError('weights-http', `The weights of ${name} could not be reached at ${from}. Check the connection.`, cause);
    }
    if (!response.ok || !response.body) {
      throw new GlanceError('weights-http', `The weights of ${name} are missing: ${from} answered ${response.status}. Choose another model, or ask whoever runs this site to upload the file.`);
    }
    return new Download(source, response.body, response.headers, progress, signal);
  }

  /**
   * Has the file read, and ends the download. A kept file that is damaged is dropped.
   *
   * @param {() => Promise<void>} work calls header and data
   */
  async read(work) {
    try {
      await work();
    } catch (error) {
      const { sha256 } = this.#source;
      if (this.kept && sha256 && /^weights-/.test(/** @type {GlanceError} */ (error).code)) await dropKept(sha256);
      throw error;
    } finally {
      this.#cancel();
    }
  }

  /**
   * Reads the header.
   *
   * @returns {Promise<{prefix: Uint8Array, size: number}>} the file up to its data section, and the size it must have
   */
  async header() {
    const { name, bytes } = this.#source;
    const start = await this.#take(8);
    const view = new DataView(start.buffer, start.byteOffset);
    const length = view.getUint32(0, true);
    const html = looksLike(start, this.#type).startsWith(':');
    if (html || view.getUint32(4, true) !== 0 || length > maxHeader) {
      throw new GlanceError(html ? 'weights-http' : 'weights-format',
        `The weights of ${name} are not a safetensors file${looksLike(start, this.#type)}.`);
    }
    const json = await this.#take(length);
    const prefix = new Uint8Array(8 + length);
    prefix.set(start);
    prefix.set(json, 8);
    const size = prefix.length + dataSize(json, name);
    if (bytes !== undefined && size !== bytes) {
      throw new GlanceError('weights-integrity', `The weights of ${name} have ${size} bytes, ${bytes} were expected: the file is damaged or of another version. ${remedy}`);
    }
    this.#total = size;
    return { prefix, size };
  }

  /**
   * Reads the data section, handing on each piece as it arrives.
   *
   * @param {number} size bytes
   * @param {(offset: number, bytes: Uint8Array) => void} write
   */
  async data(size, write) {
    for (let offset = 0; offset < size;) {
      const chunk = await this.#next();
      if (!chunk) throw this.#wrongSize('shorter');
      if (offset + chunk.length > size) throw this.#wrongSize('longer');
      write(offset, chunk);
      offset += chunk.length;
    }
    if (await this.#next()) throw this.#wrongSize('longer');
  }

  #cancel() {
    this.#reader.cancel().catch(() => {});
  }

  /** Fetches until the end. */
  async #fetch() {
    try {
      for (;;) {
        const { value, done } = await this.#reader.read();
        if (done) break;
        if (!value.length) continue;
        this.#chunks.push(value);
        this.#waiting += value.length;
        this.#received += value.length;
        this.#report();
        this.#wake();
        while (this.#waiting > ahead) await this.#woken();
      }
    } catch (cause) {
      this.#failure = this.#signal?.aborted ? abortError(this.#signal)
        : new GlanceError('weights-http', `The download of ${this.#source.name} broke off. Check the connection and try again.`, cause);
    }
    clearTimeout(this.#late);
    this.#ended = true;
    this.#wake();
  }

  /** Calls progress: at most every 50 ms, and soon where a connection then stalls. */
  #report() {
    clearTimeout(this.#late);
    const wait = this.#received === this.#total ? 0 : this.#shown + 50 - performance.now();
    if (wait > 0) {
      this.#late = setTimeout(() => this.#report(), wait);
      return;
    }
    this.#shown = performance.now();
    this.#progress(this.#received, this.#total);
  }

  /** The next bytes, or undefined at the end. */
  async #next() {
    while (!this.#chunks.length && !this.#ended) await this.#woken();
    if (this.#failure) throw this.#failure;
    const chunk = this.#chunks.shift();
    if (chunk) this.#waiting -= chunk.length;
    this.#wake();
    return chunk;
  }

  /** @returns {Promise<void>} */
  #woken() {
    return new Promise((resolve) => { this.#wake = resolve; });
  }

  /** @param {number} count */
  async #take(count) {
    const taken = new Uint8Array(count);
    let filled = 0;
    while (filled < count) {
      const chunk = await this.#next();
      if (!chunk) throw this.#wrongSize('shorter');
      const part = chunk.subarray(0, count - filled);
      taken.set(part, filled);
      filled += part.length;
      if (part.length < chunk.length) {
        this.#chunks.unshift(chunk.subarray(part.length));
        this.#waiting += chunk.length - part.length;
      }
    }
    return taken;
  }

  /** @param {'shorter' | 'longer'} how */
  #wrongSize(how) {
    return new GlanceError('weights-integrity', `The weights of ${this.#source.name} are ${how} than their header says: the file is damaged, or its download broke off. Try again.`);
  }
}

/**
 * The size of the data section that a header describes: the engine checks the
 * header itself, this only says how much to expect of a server that does not.
 *
 * @param {Uint8Array} json
 * @param {string} name
 */
function dataSize(json, name) {
  let size = 0;
  try {
    for (const entry of Object.values(JSON.parse(new TextDecoder().decode(json)))) {
      size = Math.max(size, entry.data_offsets?.[1] ?? 0);
    }
  } catch (cause) {
    throw new GlanceError('weights-format', `The weights of ${name} are not a safetensors file: their header is not JSON.`, cause);
  }
  if (!Number.isSafeInteger(size) || size > 0xffffffff) {
    throw new GlanceError('weights-format', `The weights of ${name} are damaged: their header is not valid.`);
  }
  return size;
}

/**
 * Compares a file with the hash it must have.
 *
 * @param {Uint8Array} file
 * @param {BlobSource} source
 */
export async function verify(file, { name, sha256 }) {
  if (!sha256) return;
  const found = Array.from(await digest(file), (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (found !== sha256.toLowerCase()) {
    throw new GlanceError('weights-integrity',
      `The weights of ${name} are damaged or of another version: their SHA-256 begins with ${found.slice(0, 12)}, ${sha256.slice(0, 12)} was expected. ${remedy}`);
  }
}
