import { GlanceError } from './errors.js';
import { looksLike } from './modules.js';
import { split } from './urls.js';

/**
 * Fetches, checks and compiles the training module, which is large enough to be
 * waited for. Where the browser checks the hash itself, as it does for the modules
 * that every visitor fetches, nothing is heard before the last byte.
 *
 * @param {string} url may end with the hash that the file must have
 * @param {(loaded: number, total: number) => void} onProgress called as bytes arrive; the total is 0 while it is not known
 * @returns {Promise<WebAssembly.Module>}
 */
export async function trainingModule(url, onProgress) {
  const { address, integrity } = split(url);
  const { bytes, type } = await download(address, onProgress);
  if (!WebAssembly.validate(bytes) || !(await matches(bytes, integrity))) {
    throw new GlanceError('engine-http', `The training module ${address} is damaged${looksLike(bytes, type)}. Reload to fetch it again.`);
  }
  return WebAssembly.compile(bytes);
}

/**
 * @param {string} address
 * @param {(loaded: number, total: number) => void} onProgress
 */
async function download(address, onProgress) {
  try {
    const response = await fetch(address);
    if (!response.ok || !response.body) throw new Error(`the server answered ${response.status}`);
    const { headers } = response;
    const total = headers.has('Content-Encoding') ? 0 : Number(headers.get('Content-Length'));
    /** @type {Uint8Array<ArrayBuffer>[]} */
    const parts = [];
    let loaded = 0;
    const reader = response.body.getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      parts.push(part.value);
      onProgress((loaded += part.value.length), total);
    }
    return { bytes: new Uint8Array(await new Blob(parts).arrayBuffer()), type: headers.get('Content-Type') ?? '' };
  } catch (cause) {
    throw new GlanceError('engine-http', `The training module ${address} could not be fetched (${/** @type {Error} */ (cause).message}). Check the connection.`, cause);
  }
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {string} integrity 'sha256-' and the hash in base64, or '' for any bytes
 */
async function matches(bytes, integrity) {
  if (!integrity) return true;
  const hash = globalThis.crypto?.subtle
    ? new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
    : (await import('./sha256.js')).sha256(bytes); // crypto.subtle is missing on insecure origins
  return integrity === `sha256-${btoa(String.fromCharCode(...hash))}`;
}
