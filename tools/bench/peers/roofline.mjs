// Not an engine: how fast the machine multiplies and adds in wasm, on one thread.
const modules = ['/roofline/roofline128.wasm', '/roofline/roofline_relaxed.wasm'];
const kernels = [];

export async function load() {
  for (const url of modules) {
    const bytes = await (await fetch(url)).arrayBuffer();
    if (!WebAssembly.validate(bytes)) continue; // no relaxed SIMD here
    const { exports } = (await WebAssembly.instantiate(bytes)).instance;
    for (const [name, run] of Object.entries(exports)) {
      if (typeof run === 'function') kernels.push({ name, run, macs: exports[`${name}_macs`].value });
    }
  }
}

export const run = () => null;

/** GMAC/s by kernel, each timed for some 10 ms; the first call also waits for the optimising compiler. */
export async function rates() {
  const out = {};
  for (const k of kernels) {
    const time = (n) => {
      const begun = performance.now();
      k.run(n);
      return performance.now() - begun;
    };
    if (!k.n) {
      k.n = 1000;
      while (time(k.n) < 10) k.n *= 2;
      await new Promise((done) => setTimeout(done, 50));
      k.n = Math.ceil(k.n * 10 / time(k.n));
    }
    out[k.name] = k.n * k.macs / time(k.n) / 1e6;
  }
  return out;
}
