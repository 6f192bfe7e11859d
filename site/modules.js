import { GlanceError } from './errors.js';

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
  let response;
  try {
    response = await fetch(url);
  } catch (cause) {
    throw new GlanceError('engine-http', `The engine file ${url} could not be reached. Check the connection.`, cause);
  }
  if (!response.ok) {
    throw new GlanceError('engine-http', `The engine file ${url} is missing: the server answered ${response.status}.`);
  }
  const type = response.headers.get('Content-Type') ?? '';
  if (/^application\/wasm\b/i.test(type)) return compiling(url, WebAssembly.compileStreaming(response));
  const bytes = await response.arrayBuffer();
  if (!isWasm(bytes)) throw new GlanceError('engine-http', `${url} is not WebAssembly${looksLike(bytes, type)}.`);
  return compiling(url, WebAssembly.compile(bytes));
}

/**
 * @param {string} url
 * @param {Promise<WebAssembly.Module>} module
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
  if (/^text\/html\b/i.test(type) || /^<(!doctype|html)/i.test(start)) {
    return ': the server sent an HTML page, so the address is probably wrong';
  }
  return type ? `, it came as ${type}` : '';
}
