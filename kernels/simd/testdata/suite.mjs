// Runs a GOOS=js test binary beside a kernel module, in node or in a browser's
// worker, and returns what it printed.

const inNode = typeof process !== 'undefined';

/**
 * @param {{exec: string, suite: BufferSource, kernels: BufferSource, backend: string, threads: number, args: string[]}} job
 *   exec is the text of Go's wasm_exec.js
 */
async function run({ exec, suite, kernels, backend, threads, args }) {
  let output = '';
  const decoder = new TextDecoder();
  const missing = (...args) => args.at(-1)(Object.assign(new Error('not here'), { code: 'ENOSYS' }));
  const writeSync = (_, bytes) => ((output += decoder.decode(bytes)), bytes.length);
  globalThis.fs = new Proxy({
    constants: { O_WRONLY: -1, O_RDWR: -1, O_CREAT: -1, O_TRUNC: -1, O_APPEND: -1, O_EXCL: -1, O_DIRECTORY: -1 },
    writeSync,
    write: (fd, bytes, offset, length, _, done) => done(null, writeSync(fd, bytes.subarray(offset, offset + length))),
  }, { get: (fs, name) => fs[name] ?? missing });
  (0, eval)(exec);

  const module = await WebAssembly.compile(kernels);
  const shared = threads > 1 && new WebAssembly.Memory({ initial: 2, maximum: 4096, shared: true });
  const instance = await WebAssembly.instantiate(module, shared ? { env: { memory: shared } } : {});
  const memory = instance.exports.memory;
  const startHelpers = (control) => {
    for (let lane = 1; lane < threads; lane++) start({ module, memory, control, lane });
  };
  globalThis.glanceHost = { memory, backend, threads, startHelpers };
  const go = new Go();
  go.argv = ['suite', ...args];
  let code = -1;
  go.exit = (c) => (code = c);
  const program = await WebAssembly.instantiate(suite, { ...go.importObject, kernels: instance.exports });
  await go.run(program.instance);
  return { code, output };
}

/** Starts a helper thread. */
function start(helper) {
  if (inNode) {
    const worker = new threadsOfNode.Worker(new URL(import.meta.url), { workerData: { helper } });
    worker.unref();
  } else {
    new Worker(import.meta.url, { type: 'module' }).postMessage({ helper });
  }
}

function serve({ module, memory, control, lane }) {
  new WebAssembly.Instance(module, { env: { memory } }).exports.serve(control, lane);
}

const threadsOfNode = inNode && await import('node:worker_threads');
if (inNode && !threadsOfNode.isMainThread) {
  serve(threadsOfNode.workerData.helper);
} else if (inNode) {
  const { readFileSync, writeSync } = await import('node:fs');
  const [exec, suite, kernels, backend, threads, ...args] = process.argv.slice(2);
  const { code, output } = await run({
    exec: readFileSync(exec, 'utf8'), suite: readFileSync(suite), kernels: readFileSync(kernels), backend, threads: +threads, args,
  });
  writeSync(1, output);
  process.exit(code);
} else {
  onmessage = async ({ data }) => {
    if (data.helper) return serve(data.helper);
    const bytes = async (url) => (await fetch(url)).arrayBuffer();
    try {
      postMessage(await run({
        ...data, exec: await (await fetch('/wasm_exec.js')).text(), suite: await bytes('/suite.wasm'), kernels: await bytes(`/${data.module}`),
      }));
    } catch (error) {
      postMessage({ code: -1, output: String(error) });
    }
  };
}
