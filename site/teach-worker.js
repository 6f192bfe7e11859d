// The worker of the training module. It answers each call with {id, value} or
// {id, error}, and says {failed} where the program has ended.

import { toMessage } from './errors.js';
import { GoProgram } from './goruntime.js';

/** @type {GoProgram} */
let program;

/** Those of wasm/teach; each answers {code, message} where it fails. @type {Record<string, (...args: any[]) => any>} */
let functions;

/** What aborts the trainings that run, by the id of their call. @type {Map<number, AbortController>} */
const trainings = new Map();

onmessage = async ({ data: { id, type, args } }) => {
  if (type === 'abort') {
    trainings.get(id)?.abort();
    return;
  }
  try {
    const value = type === 'start' ? await start(args[0]) : type === 'train' ? await train(id, args[0]) : functions[type](...args);
    if (value === undefined) throw program.failure(); // the function panicked
    if (value.code) postMessage({ id, error: { code: value.code, message: value.message.replace(/^teach: /, ''), cause: value.base } });
    else postMessage({ id, value });
  } catch (error) {
    postMessage({ id, error: toMessage(error) });
  }
};

/** @param {WebAssembly.Module} module */
async function start(module) {
  const host = /** @type {any} */ ({});
  program = await GoProgram.start(module, {}, { glanceTeachHost: host });
  program.ended.then(() => postMessage({ failed: toMessage(program.failure()) }));
  functions = host.teach;
  return true;
}

/**
 * @param {number} id
 * @param {object} examples
 */
async function train(id, examples) {
  const abort = new AbortController();
  trainings.set(id, abort);
  try {
    return await functions.train(examples, {
      progress: (/** @type {number} */ done) => postMessage({ id, progress: done }),
      signal: abort.signal,
    });
  } finally {
    trainings.delete(id);
  }
}
