// One Go instance and its kernels, kept for as long as the isolate lives.

import './wasm_exec.js';
import program from './worker.wasm';
import jpeg from './jpeg.wasm';
import simd128 from './simd128.wasm';
import relaxed from './relaxed.wasm';
import { Refusal } from './refusal.mjs';

const kernels = { simd128, relaxed };

// Crash says that the Go instance has ended or is in no known state: it must
// not be called again.
export class Crash extends Error {}

// Engine boots the Go program. Its methods are synchronous: no request can
// come between the start and the end of a call.
export class Engine {
  #go = new Go();
  #exports = {}; // what Go defines: see worker/library.go, and handleRequest of package workers
  #memory; // the kernels'
  #wanted = new Map(); // what wants has answered
  #crash;
  #stderr = '';

  // settings is what settings.mjs reads; manifest lists the models.
  constructor(settings, manifest) {
    const { importObject } = this.#go;
    this.#detach(importObject.gojs);
    const compute = new WebAssembly.Instance(kernels[settings.backend]).exports;
    const decode = new WebAssembly.Instance(jpeg).exports;
    this.#memory = compute.memory;
    globalThis.glanceHost = { memory: compute.memory, backend: settings.backend, threads: 1 };
    const memories = { kernels: compute.memory, pictures: decode.memory };
    globalThis.context = {
      binding: this.#exports,
      memories,
      settings: JSON.stringify(settings),
      manifest: JSON.stringify(manifest),
    };
    let ready = false;
    const workers = { ready: () => { ready = true; } };
    const instance = new WebAssembly.Instance(program, { ...importObject, kernels: compute, jpeg: decode, workers });
    memories.go = instance.exports.mem;
    this.#go.run(instance).catch(() => {}); // returns once Go waits
    if (!ready) throw new Error(`the Go program did not start: ${this.#stderr.trim()}`);
  }

  // A Go timer would be a JavaScript timer, which belongs to the request in
  // which it is set and dies with it. Nothing here waits for one: the runtime's
  // own (the scavenger's) are looked at whenever Go runs.
  #detach(gojs) {
    const go = this.#go;
    const decoder = new TextDecoder();
    let timers = 0;
    go.exit = () => {};
    gojs['runtime.scheduleTimeoutEvent'] = (sp) => go.mem.setInt32((sp >>> 0) + 16, ++timers, true);
    gojs['runtime.clearTimeoutEvent'] = () => {};
    gojs['runtime.wasmWrite'] = (sp) => {
      sp >>>= 0;
      const text = new Uint8Array(go.mem.buffer, go.mem.getUint32(sp + 16, true), go.mem.getInt32(sp + 24, true));
      this.#stderr = (this.#stderr + decoder.decode(text)).slice(-8000);
    };
  }

  // #call runs a Go export. Whatever it throws has unwound Go's stack behind
  // its back, so that the instance is lost.
  #call(name, ...args) {
    if (this.#crash) throw this.#crash;
    try {
      const result = this.#exports[name](...args);
      if (this.#go.exited) throw new Crash(`the Go program ended: ${this.#stderr.trim()}`);
      return result;
    } catch (error) {
      this.#crash = error instanceof Crash ? error : new Crash(`${name}: ${error.stack}`);
      throw this.#crash;
    }
  }

  get broken() {
    return this.#crash !== undefined;
  }

  // wants names the model that a request needs, loaded or not; null where it
  // needs none, and then no body either. It depends on nothing else, and clients
  // ask for few different things.
  wants(method, url) {
    const key = `${method} ${url}`;
    let name = this.#wanted.get(key);
    if (name === undefined) {
      if (this.#wanted.size === 100) this.#wanted.clear();
      name = this.#call('wants', method, url);
      this.#wanted.set(key, name);
    }
    return name;
  }

  // open loads a model from its blob, a Uint8Array.
  open(name, blob) {
    const { pointer, offset, length } = this.#checked('open', name, blob);
    new Uint8Array(this.#memory.buffer, pointer, length).set(blob.subarray(offset, offset + length));
    this.#checked('pack', name);
  }

  #checked(...call) {
    const result = this.#call(...call);
    if (result?.error) throw new Refusal('weights_mismatch', result.error);
    return result;
  }

  // handle answers a request {method, url, headers, body}; body is a Uint8Array,
  // a Refusal or null. The answer is complete when the call returns; it comes as
  // a promise because package workers makes one.
  handle(request) {
    return this.#call('handleRequest', request);
  }
}
