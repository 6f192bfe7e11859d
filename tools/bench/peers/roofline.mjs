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

// GMAC/s of the best of several slices, each long enough for the clock.
function rate({ run, macs }, slice = 25, slices = 8) {
  const time = (n) => {
    const begun = performance.now();
    run(n);
    return performance.now() - begun;
  };
  let n = 1000;
  while (time(n) < slice) n *= 2;
  return Math.max(...Array.from({ length: slices }, () => n * macs / time(n) / 1e6));
}

/** GMAC/s by kernel. */
export async function rates() {
  const out = {};
  for (const k of kernels) {
    rate(k, 10, 2); // until the optimising compiler has had its turn
    await new Promise((done) => setTimeout(done, 50));
    out[k.name] = rate(k);
  }
  return out;
}
