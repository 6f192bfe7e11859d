import { GlanceError, abortError, asGlanceError, disposedError } from './errors.js';
import { choose, supported } from './backend.js';
import { keepWeights } from './cached.js';
import { GoProgram, loadSupport } from './goruntime.js';
import { PixelReader, rows } from './pixels.js';
import { Helpers } from './threads.js';
import { Download, tryTwice, verify } from './weights.js';

/**
 * What an engine is started with; it can be posted to a worker.
 *
 * @typedef {object} EngineOptions
 * @property {import('./weights.js').BlobSource} blob
 * @property {string} [title] the model's, for info
 * @property {string[]} [labels] the caller's own, instead of the model's
 * @property {'auto' | import('./backend.js').Backend} backend
 * @property {number} [threads]
 * @property {import('./urls.js').AssetURLs} urls
 */

/**
 * What an engine needs of where it runs.
 *
 * @typedef {object} EngineHost
 * @property {(asset: import('./urls.js').Asset) => Promise<WebAssembly.Module>} compile
 * @property {(progress: Progress) => void} progress
 * @property {(count: number) => void} threads called when the number of threads that run has changed
 * @property {(error?: GlanceError) => void} kept called when new weights are kept in the browser, or why they are not
 * @property {AbortSignal} [signal] aborts starting
 */

/** @typedef {{phase: 'weights' | 'prepare', loaded: number, total: number}} Progress */
/** @typedef {{className: string, probability: number}} Prediction */
/** @typedef {{pixels: number, network: number}} Timing milliseconds */

/**
 * The Go core as it shows itself to JavaScript (wasm/bridge). Every function is
 * synchronous and answers {code, message} where it fails.
 *
 * @typedef {Record<'begin' | 'write' | 'pack' | 'setInput' | 'image' | 'push' | 'run' |
 *   'classify' | 'output' | 'embedding' | 'memory' | 'profile' | 'close', (...args: any[]) => any>} Functions
 */

/** The engine: one network on one set of kernels, in the thread that starts it. */
export class Engine {
  /** @type {{program: GoProgram, functions: Functions} | undefined} */
  #core;
  /** @type {WebAssembly.Memory | undefined} where the kernels have one of their own */
  #memory;
  /** @type {Helpers | undefined} */
  #helpers;
  /** @type {PixelReader} */
  #reader = new PixelReader();
  /** @type {Record<string, any>} */
  #info = {};
  /** @type {string[] | null} */
  #labels = null;
  /** Ends when the last call that came in has been answered. @type {Promise<unknown>} */
  #queue = Promise.resolve();
  #closed = false;
  /** Why the program can no longer be called. @type {GlanceError | undefined} */
  #broken;
  /** Where the network's input lies in the kernels' memory. */
  #input = 0;
  /** How many threads the network is planned for. */
  #lanes = 1;

  /**
   * Starts the core on kernels, downloads the weights and prepares them.
   *
   * @param {EngineOptions} options
   * @param {EngineHost} host
   */
  static async start(options, host) {
    return tryTwice(options.blob, (blob) => Engine.#start({ ...options, blob }, host));
  }

  /**
   * @param {EngineOptions} options
   * @param {EngineHost} host
   */
  static async #start(options, host) {
    const stop = new AbortController(); // ends the download where the rest fails
    const forward = () => stop.abort(host.signal?.reason);
    if (host.signal?.aborted) throw abortError(host.signal);
    host.signal?.addEventListener('abort', forward);
    const engine = new Engine();
    const progress = (/** @type {number} */ loaded, /** @type {number} */ total) => host.progress({ phase: 'weights', loaded, total });
    const download = Download.open(options.blob, progress, stop.signal);
    download.catch(() => {}); // reported where it is awaited
    try {
      await engine.#boot(options, host);
      if (host.signal?.aborted) throw abortError(host.signal);
      await engine.#load(await download, options, host);
      if (host.signal?.aborted) throw abortError(host.signal);
      return engine;
    } catch (error) {
      stop.abort();
      engine.close();
      // A RangeError is how browsers refuse memory.
      throw asGlanceError(error, error instanceof RangeError ? 'out-of-memory' : 'engine-crashed', 'The engine could not be started');
    } finally {
      host.signal?.removeEventListener('abort', forward);
    }
  }

  /** The network, where and how it runs. Only its threads change, as they start. */
  get info() {
    return this.#info;
  }

  /**
   * Instantiates kernels and core.
   *
   * @param {EngineOptions} options
   * @param {EngineHost} host
   */
  async #boot({ backend: wanted, threads, urls }, host) {
    const able = supported();
    if (wanted !== 'auto' && !able.includes(wanted)) {
      throw new GlanceError('unsupported', `This browser does not run the ${wanted} backend; it runs ${able.join(', ')}.`);
    }
    const twin = wanted === 'go' || able.length === 1;
    const core = host.compile(twin ? 'twin' : 'engine');
    for (const started of [core, loadSupport()]) started.catch(() => {}); // reported where they are awaited
    if (twin) return this.#launch(await core, {}, { backend: 'go', threads: 1 });

    const backend = wanted === 'auto' ? choose() : wanted;
    const lanes = threadCount(threads);
    const memory = lanes > 1 ? sharedMemory() : undefined;
    if (memory) {
      this.#helpers = new Helpers(lanes - 1, urls.helper, (serving) => {
        this.#info.threads = 1 + serving;
        host.threads(1 + serving);
      });
    }
    const kernels = await host.compile(memory ? `${backend}-threads` : backend);
    const { exports } = await WebAssembly.instantiate(kernels, memory ? { env: { memory } } : {});
    this.#memory = memory ?? /** @type {WebAssembly.Memory} */ (exports.memory);
    return this.#launch(await core, { kernels: /** @type {any} */ (exports) }, {
      memory: this.#memory,
      backend,
      threads: memory ? lanes : 1,
      startHelpers: (/** @type {number} */ control) => {
        if (memory) this.#helpers?.serve(kernels, memory, control);
      },
    });
  }

  /**
   * @param {WebAssembly.Module} module
   * @param {Record<string, WebAssembly.ModuleImports>} imports
   * @param {Record<string, any>} glanceHost
   */
  async #launch(module, imports, glanceHost) {
    const program = await GoProgram.start(module, imports, { glanceHost });
    if (!glanceHost.engine) throw program.failure();
    this.#core = { program, functions: glanceHost.engine };
    this.#lanes = glanceHost.threads;
    this.#info = { backend: glanceHost.backend, threads: 1 };
  }

  /**
   * Streams the weights into kernel memory and has them packed; the hash is
   * computed meanwhile.
   *
   * @param {Download} download
   * @param {EngineOptions} options
   * @param {EngineHost} host
   */
  #load(download, { blob, title, labels: own }, host) {
    return download.read(async () => {
      const { prefix, size } = await download.header();
      const { staging, input, labels, ...network } = this.#call('begin', prefix, size, this.#lanes);
      this.#input = input;
      if (own && own.length !== network.classes) {
        throw new GlanceError('bad-option', `labels has ${own.length} names, ${blob.name} has ${network.classes} classes.`);
      }
      const dataSize = size - prefix.length;
      const whole = blob.sha256 ? new Uint8Array(size) : undefined;
      whole?.set(prefix);
      await download.data(dataSize, (offset, bytes) => {
        if (this.#memory) new Uint8Array(this.#memory.buffer, staging + offset, bytes.length).set(bytes);
        else this.#call('write', staging + offset, bytes);
        whole?.set(bytes, prefix.length + offset);
      });
      host.progress({ phase: 'prepare', loaded: size, total: size });
      const verified = whole && verify(whole, blob);
      verified?.catch(() => {}); // awaited below, unless packing fails first
      this.#call('pack');
      await verified;
      this.#labels = own ?? (labels ? labels.split('\n') : null);
      this.#info = {
        ...this.#info, ...network, labels: this.#labels, weightBytes: size,
        model: blob.name, title: title || network.title || blob.name, sha256: blob.sha256?.toLowerCase(),
      };
      if (blob.keep && blob.sha256 && whole && !download.kept) {
        keepWeights(whole, { name: blob.name, title: this.#info.title, sha256: blob.sha256 }).then(() => host.kept(), host.kept);
      }
    });
  }

  /**
   * Answers a call when all before it have been answered.
   *
   * @param {Record<string, any>} message
   * @param {AbortSignal} [signal] drops the call while it is queued
   * @returns {Promise<{value: any, timing?: Timing}>}
   */
  call(message, signal) {
    const reply = this.#queue.then(() => {
      if (!this.#closed && !signal?.aborted) return this.#answer(message);
      message.picture?.close?.();
      throw signal?.aborted ? abortError(signal) : disposedError();
    });
    this.#queue = reply.catch(() => {});
    return reply;
  }

  /** @param {Record<string, any>} message */
  async #answer(message) {
    switch (message.type) {
      case 'classify': return this.#classify(message);
      case 'embed': return this.#vector('embedding', message.picture);
      case 'logits': return this.#vector('output', message.picture);
      case 'run': return this.#run(message.input);
      case 'memory': return { value: { kernels: this.#call('memory'), program: this.#core?.program.memoryBytes } };
      case 'profile': return { value: this.#call('profile', message.runs) };
    }
    throw new Error(`no call named ${message.type}`);
  }

  /**
   * The most probable classes of a picture, those below the threshold left out.
   *
   * @param {Record<string, any>} message its picture is closed here
   */
  async #classify({ picture, topk, threshold }) {
    /** @type {{value: number[], timing: Timing}} index, probability, index, ... */
    const { value: top, timing } = await this.#see(picture, () => this.#call('classify', topk));
    const predictions = [];
    for (let i = 0; i < top.length; i += 2) {
      if (top[i + 1] >= threshold) predictions.push({ className: this.#labels?.[top[i]] ?? String(top[i]), probability: top[i + 1] });
    }
    return { value: predictions, timing };
  }

  /**
   * The pooled features of a picture, or its raw output.
   *
   * @param {'embedding' | 'output'} what
   * @param {import('./source.js').Picture} picture closed here
   */
  async #vector(what, picture) {
    return this.#see(picture, () => this.#floats(what));
  }

  /**
   * The same at once, ahead of the calls that are queued: none of them is half done
   * while other code runs.
   *
   * @param {'embedding' | 'output'} what
   * @param {ImageData} picture
   */
  now(what, picture) {
    if (this.#closed) throw disposedError();
    return this.#through(rows(picture), performance.now(), () => this.#floats(what)).value;
  }

  /**
   * The raw output for a normalised input.
   *
   * @param {Float32Array} input [height][width][3]
   */
  #run(input) {
    const { height, width } = this.#info;
    if (input.length !== height * width * 3) {
      throw new GlanceError('bad-input', `The input has ${input.length} values, the network wants ${height}x${width}x3 = ${height * width * 3}.`);
    }
    const start = performance.now();
    this.#setInput(input);
    const set = performance.now();
    this.#call('run');
    const timing = { pixels: set - start, network: performance.now() - set };
    return { value: this.#floats('output'), timing };
  }

  /** @param {Float32Array} input of the right length */
  #setInput(input) {
    if (!this.#memory) {
      this.#call('setInput', new Uint8Array(input.buffer, input.byteOffset, input.byteLength));
      return;
    }
    if (!finite(input)) {
      const i = input.findIndex((v) => !Number.isFinite(v));
      throw new GlanceError('bad-input', `Value ${i} of the input is NaN or infinite.`);
    }
    new Float32Array(this.#memory.buffer, this.#input, input.length).set(input);
  }

  /** Frees everything, once a call that runs has ended. */
  close() {
    this.#closed = true;
    this.#queue.then(() => {
      this.#helpers?.close();
      if (this.#core && !this.#core.program.exited && !this.#broken) this.#core.functions.close();
      this.#core = undefined;
      this.#memory = undefined;
    });
  }

  /**
   * Puts a picture through the network and reads what comes out.
   *
   * @template T
   * @param {import('./source.js').Picture} picture
   * @param {() => T} read
   */
  async #see(picture, read) {
    const start = performance.now();
    return this.#through(await this.#reader.open(picture), start, read);
  }

  /**
   * @template T
   * @param {import('./pixels.js').Pixels} pixels closed here
   * @param {number} start when the call began
   * @param {() => T} read
   * @returns {{value: T, timing: Timing}}
   */
  #through(pixels, start, read) {
    try {
      const { width, height } = pixels;
      if (width < 1 || height < 1) throw new GlanceError('bad-input', `The picture is empty: ${width}x${height} pixels.`);
      for (let strip = this.#call('image', width, height); strip.rows > 0; strip = this.#call('push', strip.rows)) {
        const bytes = pixels.read(strip.row, strip.rows);
        if (this.#memory) new Uint8Array(this.#memory.buffer, strip.address, bytes.length).set(bytes);
        else this.#call('write', strip.address, bytes);
      }
    } finally {
      pixels.close();
    }
    const set = performance.now();
    this.#call('run');
    return { timing: { pixels: set - start, network: performance.now() - set }, value: read() };
  }

  /**
   * @param {'output' | 'embedding'} what
   */
  #floats(what) {
    const values = new Float32Array(this.#info[what === 'output' ? 'classes' : what]);
    this.#call(what, new Uint8Array(values.buffer));
    return values;
  }

  /**
   * @param {keyof Functions} name
   * @param {...unknown} args
   */
  #call(name, ...args) {
    if (this.#broken) throw this.#broken;
    if (!this.#core) throw disposedError();
    const { program, functions } = this.#core;
    let answer;
    try {
      answer = functions[name](...args);
    } catch (cause) {
      // A trap leaves the Go program in the middle of a call: it cannot go on.
      this.#broken = program.exited ? program.failure() : asGlanceError(cause, 'engine-crashed', 'The engine failed');
      throw this.#broken;
    }
    if (answer === undefined) throw (this.#broken = program.failure()); // the function panicked
    if (answer?.code) {
      const error = new GlanceError(answer.code, answer.message);
      if (answer.code === 'helper-failed') { // it may come back and write into what a later run computes
        this.#broken = error;
        this.#helpers?.close();
      }
      throw error;
    }
    return answer;
  }
}

/**
 * How many threads to run on: those asked for, at most 4 of the CPU's if none
 * are, 1 where there is no shared memory or the engine's thread may not wait.
 *
 * @param {number | undefined} asked
 * @param {boolean} [mayWait] whether the engine's thread may; by default this one is asked about
 */
export function threadCount(asked, mayWait = typeof globalThis.document === 'undefined') {
  if (!globalThis.crossOriginIsolated || !mayWait || typeof SharedArrayBuffer !== 'function' || typeof Worker !== 'function') return 1;
  return asked ?? Math.min(navigator.hardwareConcurrency || 1, 4);
}

/**
 * Memory for several threads. Its limit is set aside in the address space at
 * once, which phones may refuse: then a smaller one has to do.
 */
function sharedMemory() {
  const pages = (/** @type {number} */ mebibytes) => mebibytes * 16;
  for (const limit of [1024, 512, 256]) {
    try {
      return new WebAssembly.Memory({ initial: 1, maximum: pages(limit), shared: true });
    } catch {
      continue;
    }
  }
  return undefined;
}

/**
 * Whether no value is NaN or infinite: times 0 these are NaN, and stay so in a sum.
 * Four sums do not wait for each other; a comparison of each value takes three times as long.
 *
 * @param {Float32Array} values
 */
function finite(values) {
  let a = 0, b = 0, c = 0, d = 0;
  let i = 0;
  for (; i + 3 < values.length; i += 4) {
    a += values[i] * 0;
    b += values[i + 1] * 0;
    c += values[i + 2] * 0;
    d += values[i + 3] * 0;
  }
  for (; i < values.length; i++) a += values[i] * 0;
  return a + b + c + d === 0;
}
