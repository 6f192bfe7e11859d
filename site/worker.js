// The engine's worker. It answers each call with {id, value, timing} or {id, error}.

import { fromMessage, toMessage } from './errors.js';
import { Engine } from './engine.js';

/** @type {Engine} */
let engine;

/** What aborts the calls that are queued or running, by their id. @type {Map<number, AbortController>} */
const calls = new Map();

/** Modules the page was asked for. @type {Map<string, (module: WebAssembly.Module | Promise<never>) => void>} */
const awaited = new Map();

onmessage = async ({ data: message }) => {
  const { type, id } = message;
  if (type === 'module') {
    awaited.get(message.asset)?.(message.module ?? Promise.reject(fromMessage(message.error)));
    awaited.delete(message.asset);
    return;
  }
  if (type === 'abort') {
    calls.get(id)?.abort();
    return;
  }
  const abort = new AbortController();
  calls.set(id, abort);
  try {
    const { value, timing } = type === 'start' ? await start(message, abort.signal) : await engine.call(message, abort.signal);
    postMessage({ id, value, timing }, { transfer: value instanceof Float32Array ? [value.buffer] : [] });
  } catch (error) {
    postMessage({ id, error: toMessage(error) });
  } finally {
    calls.delete(id);
  }
};

/**
 * @param {{id: number, options: import('./engine.js').EngineOptions}} message
 * @param {AbortSignal} signal
 * @returns {Promise<{value: unknown, timing?: import('./engine.js').Timing}>}
 */
async function start({ id, options }, signal) {
  const progress = (/** @type {import('./engine.js').Progress} */ progress) => postMessage({ id, progress });
  const threads = (/** @type {number} */ threads) => postMessage({ threads });
  const kept = (/** @type {unknown} */ error = undefined) => postMessage({ kept: true, error: error && toMessage(error) });
  engine = await Engine.start(options, { compile, progress, threads, kept, signal });
  return { value: engine.info };
}

/**
 * Asks the page for a module, which it compiles once for all of its workers.
 *
 * @param {import('./urls.js').Asset} asset
 * @returns {Promise<WebAssembly.Module>}
 */
function compile(asset) {
  return new Promise((resolve) => {
    awaited.set(asset, resolve);
    postMessage({ compile: asset });
  });
}
