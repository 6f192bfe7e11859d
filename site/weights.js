import { GlanceError, abortError } from './errors.js';
import { looksLike } from './modules.js';

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
 */

/**
 * A weight file on its way in. Reading it has two steps: the header, which says
 * what the file holds, and the data section, which is written as it arrives.
 */
export class Download {
  /** @type {BlobSource} */
  #source;
  /** @type {AbortSignal | undefined} */
  #signal;
  /** @type {ReadableStreamDefaultReader<Uint8Array>} */
  #reader;
  /** Bytes that arrived and were not taken yet. @type {Uint8Array} */
  #rest = new Uint8Array(0);
  /** The Content-Type, for messages. */
  #type = '';

  /**
   * @param {BlobSource} source
   * @param {ReadableStream<Uint8Array>} stream
   * @param {string} type
   * @param {AbortSignal} [signal]
   */
  constructor(source, stream, type, signal) {
    this.#source = source;
    this.#reader = stream.getReader();
    this.#type = type;
    this.#signal = signal;
  }

  /**
   * Starts a download. The signal ends it at any later time.
   *
   * @param {BlobSource} source
   * @param {AbortSignal} [signal]
   */
  static async open(source, signal) {
    const { from, name } = source;
    if (typeof from !== 'string') {
      const blob = from instanceof Blob ? from : new Blob([/** @type {BlobPart} */ (from)]);
      return new Download(source, blob.stream(), '', signal);
    }
    let response;
    try {
      response = await fetch(from, { signal });
    } catch (cause) {
      if (signal?.aborted) throw abortError(signal);
      throw new GlanceError('weights-http', `The weights of ${name} could not be reached at ${from}. Check the connection.`, cause);
    }
    if (!response.ok || !response.body) {
      throw new GlanceError('weights-http', `The weights of ${name} are missing: ${from} answered ${response.status}.`);
    }
    return new Download(source, response.body, response.headers.get('Content-Type') ?? '', signal);
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
      throw new GlanceError('weights-integrity', `The weights of ${name} have ${size} bytes, ${bytes} were expected. Reload to fetch them again.`);
    }
    return { prefix, size };
  }

  /**
   * Reads the data section, handing on each piece as it arrives.
   *
   * @param {number} size bytes
   * @param {(offset: number, bytes: Uint8Array) => void} write
   */
  async data(size, write) {
    let offset = 0;
    for (let chunk = this.#rest; ; chunk = await this.#next()) {
      if (offset + chunk.length > size) throw this.#wrongSize('longer');
      if (chunk.length) write(offset, chunk);
      offset += chunk.length;
      if (offset === size) break;
    }
    this.#rest = new Uint8Array(0);
    if ((await this.#read()) !== undefined) throw this.#wrongSize('longer');
  }

  /** Ends the download early. */
  cancel() {
    this.#reader.cancel().catch(() => {});
  }

  /** @param {number} count */
  async #take(count) {
    const taken = new Uint8Array(count);
    let filled = 0;
    while (filled < count) {
      if (!this.#rest.length) this.#rest = await this.#next();
      const part = this.#rest.subarray(0, count - filled);
      taken.set(part, filled);
      filled += part.length;
      this.#rest = this.#rest.subarray(part.length);
    }
    return taken;
  }

  async #next() {
    const chunk = await this.#read();
    if (!chunk) throw this.#wrongSize('shorter');
    return chunk;
  }

  /** @returns {Promise<Uint8Array | undefined>} undefined at the end */
  async #read() {
    try {
      for (;;) {
        const { value, done } = await this.#reader.read();
        if (done) return undefined;
        if (value.length) return value;
      }
    } catch (cause) {
      if (this.#signal?.aborted) throw abortError(this.#signal);
      throw new GlanceError('weights-http', `The download of ${this.#source.name} broke off. Check the connection and try again.`, cause);
    }
  }

  /** @param {'shorter' | 'longer'} how */
  #wrongSize(how) {
    this.cancel();
    return new GlanceError('weights-integrity', `The weights of ${this.#source.name} are ${how} than their header says. Reload to fetch them again.`);
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
  const hash = globalThis.crypto?.subtle
    ? new Uint8Array(await crypto.subtle.digest('SHA-256', /** @type {Uint8Array<ArrayBuffer>} */ (file)))
    : (await import('./sha256.js')).sha256(file); // crypto.subtle is missing on insecure origins
  const found = Array.from(hash, (byte) => byte.toString(16).padStart(2, '0')).join('');
  if (found !== sha256.toLowerCase()) {
    throw new GlanceError('weights-integrity',
      `The weights of ${name} are damaged: their SHA-256 is ${found}, ${sha256} was expected. Reload to fetch them again.`);
  }
}
