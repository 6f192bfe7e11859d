import { GlanceError } from './errors.js';

/** What wasm_exec.js leaves on globalThis. */
const names = ['Go', 'fs', 'process', 'path'];

/** @type {Promise<Record<string, any>> | undefined} */
let support;

/**
 * Loads Go's support script, once, and takes what it defines off globalThis again,
 * where a stub `process` would make other libraries believe they run in node.
 */
export function loadSupport() {
  support ??= importSupport();
  support.catch(() => { support = undefined; }); // the next call tries again
  return support;
}

async function importSupport() {
  const scope = /** @type {Record<string, any>} */ (globalThis);
  const before = new Map(names.filter((name) => name in scope).map((name) => [name, scope[name]]));
  try {
    // @ts-ignore: the site's build copies it from the Go distribution
    await import('./wasm_exec.js');
  } catch (cause) {
    throw new GlanceError('engine-http', 'The file wasm_exec.js is missing, damaged or could not be reached. Check the connection, then reload the page.', cause);
  }
  const found = Object.fromEntries(names.map((name) => [name, scope[name]]));
  for (const name of names) restore(name, before);
  return found;
}

/**
 * @param {string} name
 * @param {Map<string, any>} before
 */
function restore(name, before) {
  const scope = /** @type {Record<string, any>} */ (globalThis);
  if (before.has(name)) scope[name] = before.get(name);
  else delete scope[name];
}

/** A Go program that has started and waits for calls. */
export class GoProgram {
  /** What the program wrote to its standard error last: the text of a panic. */
  #text = '';
  /** @type {any} */
  #go;
  /** Ends when the program has exited. @type {Promise<void>} */
  ended = Promise.resolve();

  /**
   * Instantiates a module and runs its main function until it waits.
   *
   * @param {WebAssembly.Module} module
   * @param {Record<string, WebAssembly.ModuleImports>} imports besides Go's own
   * @param {Record<string, unknown>} globals defined on globalThis while the program starts
   */
  static async start(module, imports, globals) {
    const { Go, ...stubs } = await loadSupport();
    const program = new GoProgram();
    const go = (program.#go = new Go());
    go.exit = () => { // a timer of its runtime's that comes later would throw
      for (const timer of go._scheduledTimeouts.values()) clearTimeout(timer);
    };
    // JavaScript values that Go has seen live until Go's collector has run. Its
    // heap is small, so it can run often: first at 1 MiB instead of 4.
    go.env = { GOGC: '25' };
    const decoder = new TextDecoder();
    go.importObject.gojs['runtime.wasmWrite'] = (/** @type {number} */ sp) => {
      sp >>>= 0;
      const written = new Uint8Array(go.mem.buffer, go.mem.getUint32(sp + 16, true), go.mem.getInt32(sp + 24, true));
      program.#text = (program.#text + decoder.decode(written)).slice(0, 4000);
    };
    const instance = await WebAssembly.instantiate(module, { ...go.importObject, ...imports });

    // go.run is synchronous up to the point where main waits: no other code
    // sees these globals.
    const scope = /** @type {Record<string, any>} */ (globalThis);
    const defined = { ...stubs, ...globals };
    const before = new Map(Object.keys(defined).filter((name) => name in scope).map((name) => [name, scope[name]]));
    for (const [name, value] of Object.entries(defined)) if (!before.has(name)) scope[name] = value;
    /** @type {Promise<void>} */
    let exit;
    try {
      exit = go.run(instance);
    } finally {
      for (const name of Object.keys(defined)) restore(name, before);
    }
    program.ended = exit.catch(() => {});
    if (go.exited) throw program.failure();
    return program;
  }

  /** Whether main has returned or the program panicked. */
  get exited() {
    return /** @type {boolean} */ (this.#go.exited);
  }

  /** Size of the program's memory in bytes, 0 after it has exited. */
  get memoryBytes() {
    return /** @type {number} */ (this.#go._inst?.exports.mem.buffer.byteLength ?? 0);
  }

  /** The error that says why the program has exited. */
  failure() {
    const [line] = this.#text.trim().split('\n');
    return new GlanceError('engine-crashed', `The engine stopped unexpectedly${line ? `: ${line}` : ''}.`);
  }
}
