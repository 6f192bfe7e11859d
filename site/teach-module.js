import { compile, matches } from './modules.js';
import { split } from './urls.js';

/** @typedef {(loaded: number, total: number) => void} Listener */

/** Modules by URL, with those who are told how far the download is. @type {Map<string, {module: Promise<WebAssembly.Module>, listeners: Set<Listener>}>} */
const modules = new Map();

/**
 * The training module, fetched once per URL.
 *
 * @param {string} url may end with the hash that the file must have
 * @param {Listener} listener called as bytes arrive; the total is 0 while it is not known
 * @returns {Promise<WebAssembly.Module>}
 */
export function trainingModule(url, listener) {
  let entry = modules.get(url);
  if (!entry) {
    const listeners = /** @type {Set<Listener>} */ (new Set());
    const module = fetchTraining(url, (loaded, total) => listeners.forEach((told) => told(loaded, total)));
    entry = { module, listeners };
    modules.set(url, entry);
    module.then(() => listeners.clear(), () => modules.delete(url)); // the next call tries again
  }
  entry.listeners.add(listener);
  return entry.module;
}

/**
 * Fetches, checks and compiles the module, which is large enough to be waited for. Where the browser
 * compares the hash, nothing is heard before the last byte: here it is done afterwards.
 *
 * @param {string} url
 * @param {Listener} onProgress
 * @returns {Promise<WebAssembly.Module>}
 */
async function fetchTraining(url, onProgress) {
  const { address, integrity } = split(url);
  const bytes = await download(address, onProgress);
  if (bytes && WebAssembly.validate(bytes) && (await matches(bytes, integrity))) return WebAssembly.compile(bytes);
  return compile(url); // gets it past the browser's cache, or says what is wrong
}

/**
 * @param {string} address
 * @param {Listener} onProgress
 * @returns {Promise<Uint8Array<ArrayBuffer> | undefined>} undefined where it could not be had
 */
async function download(address, onProgress) {
  try {
    const { ok, body, headers } = await fetch(address);
    if (!ok || !body) return undefined;
    const total = headers.has('Content-Encoding') ? 0 : Number(headers.get('Content-Length'));
    /** @type {Uint8Array<ArrayBuffer>[]} */
    const parts = [];
    let loaded = 0;
    const reader = body.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      parts.push(part.value);
      onProgress((loaded += part.value.length), total);
    }
    return new Uint8Array(await new Blob(parts).arrayBuffer());
  } catch {
    return undefined;
  }
}
