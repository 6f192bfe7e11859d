import { GlanceError, abortError } from './errors.js';
import { split } from './urls.js';

/**
 * Modules compiled in this realm, by URL: a second classifier costs neither a
 * download nor a compilation.
 *
 * @type {Map<string, Promise<WebAssembly.Module>>}
 */
const compiled = new Map();

/**
 * Fetches and compiles a WebAssembly module, once per URL.
 *
 * @param {string} url
 * @returns {Promise<WebAssembly.Module>}
 */
export function compile(url) {
  let module = compiled.get(url);
  if (!module) {
    module = fetchModule(url);
    compiled.set(url, module);
    module.catch(() => compiled.delete(url)); // the next call tries again
  }
  return module;
}

/** @param {string} url */
async function fetchModule(url) {
  const { address, integrity } = split(url);
  // A browser that is told the hash hands nothing on before the last byte. Where it can be
  // computed here, the module is compiled as it arrives and compared before it is used.
  if (integrity && globalThis.crypto?.subtle) {
    const module = await compiling(address, compileAndCompare(address, integrity));
    if (module) return module;
  }
  const response = await fetchFile(url); // gets it past the browser's cache, or says what is wrong
  const type = response.headers.get('Content-Type') ?? '';
  if (isStreamable(type)) return compiling(address, WebAssembly.compileStreaming(response));
  const bytes = await response.arrayBuffer();
  if (!isWasm(bytes)) throw new GlanceError('engine-http', `${address} is not WebAssembly${looksLike(bytes, type)}.`);
  return compiling(address, WebAssembly.compile(bytes));
}

/**
 * @param {string} address
 * @param {string} integrity
 * @returns {Promise<WebAssembly.Module | undefined>} undefined where the file could not be had or is another one
 */
async function compileAndCompare(address, integrity) {
  const response = await tryFetch(address, {});
  if (!response?.ok) return undefined;
  const streams = isStreamable(response.headers.get('Content-Type') ?? '');
  const bytes = (streams ? response.clone() : response).arrayBuffer();
  const module = streams ? WebAssembly.compileStreaming(response) : bytes.then((b) => WebAssembly.compile(b));
  module.catch(() => {}); // awaited only if the file is the right one
  const intact = await bytes.then((b) => matches(new Uint8Array(b), integrity), () => false);
  return intact ? module : undefined;
}

/** @param {string} type a Content-Type */
function isStreamable(type) {
  return /^application\/wasm\b/i.test(type);
}

/**
 * @param {Uint8Array<ArrayBuffer>} bytes
 * @param {string} integrity 'sha256-' and the hash in base64, or '' for any bytes
 */
export async function matches(bytes, integrity) {
  if (!integrity) return true;
  return integrity === `sha256-${btoa(String.fromCharCode(...await digest(bytes)))}`;
}

/**
 * The SHA-256 of a file.
 *
 * @param {Uint8Array} file
 * @returns {Promise<Uint8Array>}
 */
export async function digest(file) {
  if (globalThis.crypto?.subtle) return new Uint8Array(await crypto.subtle.digest('SHA-256', /** @type {Uint8Array<ArrayBuffer>} */ (file)));
  return (await import('./sha256.js')).sha256(file); // on insecure origins
}

/**
 * Fetches one of the engine's files. Where its URL ends with a hash, the browser
 * compares before the answer arrives; one that differs is fetched again past the
 * browser's cache, which may hold the file of another version.
 *
 * @param {string} url
 * @param {AbortSignal} [signal]
 * @returns {Promise<Response>} an answer that is ok
 */
export async function fetchFile(url, signal) {
  const { address, integrity } = split(url);
  let response = await tryFetch(address, { integrity, signal });
  if (!response && integrity) response = await tryFetch(address, { integrity, signal, cache: 'reload' });
  const checked = response !== undefined;
  if (!response && integrity) response = await tryFetch(address, { signal }); // says why
  if (signal?.aborted) throw abortError(signal);
  if (!response) throw new GlanceError('engine-http', `The file ${address} could not be reached. Check the connection.`);
  if (!response.ok) throw new GlanceError('engine-http', `The file ${address} is missing: the server answered ${response.status}. Whoever runs this site has to upload it again.`);
  if (!checked) {
    const html = looksLike(await response.arrayBuffer(), response.headers.get('Content-Type') ?? '');
    if (html.startsWith(':')) throw new GlanceError('engine-http', `The file ${address} is missing${html}.`);
    throw new GlanceError('engine-integrity',
      `The file ${address} is damaged or of another version: its SHA-256 is not the one this page was built with. Reload the page; if that does not help, the site has to be uploaded again.`);
  }
  return response;
}

/**
 * @param {string} address
 * @param {RequestInit} init
 * @returns {Promise<Response | undefined>} undefined where there is no answer that may be used
 */
async function tryFetch(address, init) {
  if (init.signal?.aborted) return undefined;
  try {
    return await fetch(address, init);
  } catch {
    return undefined;
  }
}

/**
 * @template {WebAssembly.Module | undefined} M
 * @param {string} url
 * @param {Promise<M>} module
 * @returns {Promise<M>}
 */
async function compiling(url, module) {
  try {
    return await module;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    if (/unsafe-eval|Content Security Policy/i.test(reason)) {
      throw new GlanceError('unsupported',
        "The page's Content-Security-Policy forbids WebAssembly: add 'wasm-unsafe-eval' to script-src.", cause);
    }
    throw new GlanceError('engine-http', `${url} could not be compiled, it may be damaged: ${reason}`, cause);
  }
}

/** @param {ArrayBuffer} bytes */
function isWasm(bytes) {
  return bytes.byteLength >= 8 && new DataView(bytes).getUint32(0) === 0x0061736d;
}

/**
 * Says what a file that is not what it should be looks like: most often the
 * HTML page a server sends instead of a 404.
 *
 * @param {ArrayBuffer | Uint8Array} bytes its start
 * @param {string} type its Content-Type
 * @returns {string} '' or ': ...'
 */
export function looksLike(bytes, type) {
  const start = new TextDecoder().decode(bytes.slice(0, 64)).trimStart();
  if (/^text\/html\b/i.test(type) || /^<(!doc|html)/i.test(start)) {
    return ': the server sent an HTML page, so the address is probably wrong';
  }
  return type ? `, it came as ${type}` : '';
}
