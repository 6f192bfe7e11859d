import { GlanceError } from './errors.js';

/**
 * What computes: one of the two kernel modules, or the Go twin of them.
 *
 * @typedef {'simd128' | 'relaxed'} Kernels
 * @typedef {Kernels | 'go'} Backend
 */

/**
 * Where the timing shows that relaxed SIMD is not faster by this factor, simd128
 * is preferred, whose results are the same bits on every machine.
 */
const worthwhile = 1.1;

/** @type {Kernels | undefined} */
let chosen;

/**
 * The backends this browser accepts, told by validating the probe modules; 'go'
 * always works.
 *
 * @returns {Backend[]} fastest promise first
 */
export function supported() {
  if (typeof WebAssembly !== 'object') {
    throw new GlanceError('unsupported', 'This browser has no WebAssembly, or it is switched off. Switch it on, update the browser, or use another one.');
  }
  /** @type {Backend[]} */
  const backends = ['go'];
  if (WebAssembly.validate(probe(false))) backends.unshift('simd128');
  if (WebAssembly.validate(probe(true))) backends.unshift('relaxed');
  return backends;
}

/**
 * Chooses a kernel module for a browser that has SIMD, once per thread: relaxed
 * SIMD is timed against plain SIMD, because whether a fused multiply-add gains
 * anything depends on the CPU. A timing that says nothing leaves relaxed SIMD,
 * which no CPU is known to run slower.
 *
 * @returns {Kernels}
 */
export function choose() {
  return (chosen ??= supported().includes('relaxed') && !(speedup() < worthwhile) ? 'relaxed' : 'simd128');
}

/**
 * How much faster the relaxed probe runs than the plain one, each judged by its
 * fastest slice, so that an interruption does not count. Browsers compile in two
 * tiers and the second may come late, for one probe before the other: only when
 * both have been seen to become much faster are they compared. A busy computer can
 * make it look like that, so what would turn relaxed SIMD down has to show again
 * in twice and in three times as many slices.
 *
 * @returns {number} NaN where that was not seen in time
 */
function speedup() {
  const patience = 10; // milliseconds, each time
  const enough = 8; // slices of each, optimised, each time
  const kernels = [false, true].map((relaxed) => {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(probe(relaxed)));
    return { run: /** @type {(steps: number) => void} */ (instance.exports.f), slices: 0, first: 0, best: 0, optimised: 0 };
  });
  let ratio = NaN;
  for (const times of [1, 2, 3]) {
    const begin = performance.now();
    while (kernels.some(({ optimised }) => optimised < times * enough)) {
      if (performance.now() - begin > patience) return NaN;
      for (const kernel of kernels) {
        const rate = slice(kernel.run);
        if (kernel.slices++ < 4) kernel.first = Math.max(kernel.first, rate);
        kernel.best = Math.max(kernel.best, rate);
        if (kernel.best > 1.8 * kernel.first) kernel.optimised++;
      }
    }
    ratio = kernels[1].best / kernels[0].best;
    if (ratio >= worthwhile) break;
  }
  return ratio;
}

/**
 * Calls in a millisecond, over a quarter of one.
 *
 * @param {(steps: number) => void} run
 */
function slice(run) {
  const start = performance.now();
  let calls = 0;
  let elapsed = 0;
  while (elapsed < 0.25) {
    run(1000);
    calls++;
    elapsed = performance.now() - start;
  }
  return calls / elapsed;
}

/**
 * Assembles a module of one function, f(steps), whose loop body is that of the
 * matrix kernel: 4 rows by 8 columns, two loads of weights, four splats of
 * inputs, eight multiply-adds.
 *
 * @param {boolean} relaxed multiply-add as one relaxed instruction or as two plain ones
 */
function probe(relaxed) {
  const simd = (/** @type {number} */ op, /** @type {number[]} */ ...args) =>
    [0xfd, ...(op < 0x80 ? [op] : [(op & 0x7f) | 0x80, op >> 7]), ...args];
  const get = (/** @type {number} */ i) => [0x20, i];
  const set = (/** @type {number} */ i) => [0x21, i];
  const [steps, address, sum0, weight0] = [0, 1, 2, 10]; // locals: 8 sums, 2 weights, an input in 12
  const input = 12;

  /** @type {number[]} */
  const body = [];
  for (let w = 0; w < 2; w++) body.push(...get(address), ...simd(0x00, 4, 16 * w), ...set(weight0 + w)); // v128.load
  for (let row = 0; row < 4; row++) {
    body.push(...get(address), ...simd(0x09, 2, 32 + 4 * row), ...set(input)); // v128.load32_splat
    for (let w = 0; w < 2; w++) {
      const sum = sum0 + 2 * row + w;
      if (relaxed) {
        body.push(...get(input), ...get(weight0 + w), ...get(sum), ...simd(0x105)); // f32x4.relaxed_madd
      } else {
        body.push(...get(input), ...get(weight0 + w), ...simd(0xe6), ...get(sum), ...simd(0xe4)); // f32x4.mul, add
      }
      body.push(...set(sum));
    }
  }
  const code = [
    2, 1, 0x7f, 11, 0x7b, // locals: an i32, eleven v128
    0x03, 0x40, // loop
    ...body,
    ...get(address), 0x41, 32, 0x6a, 0x41, 0xe0, 0x1f, 0x71, ...set(address), // address = (address+32) & 4064
    ...get(steps), 0x41, 1, 0x6b, 0x22, steps, 0x0d, 0, // branch while --steps
    0x0b,
  ];
  // The sums are stored, so that no compiler may leave them out.
  for (let i = 0; i < 8; i++) code.push(0x41, 0, ...get(sum0 + i), ...simd(0x0b, 4, 16 * i)); // v128.store
  code.push(0x0b);

  const section = (/** @type {number} */ id, /** @type {number[]} */ content) => [id, ...leb(content.length), ...content];
  return new Uint8Array([
    0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0,
    ...section(1, [1, 0x60, 1, 0x7f, 0]), // type (i32) -> ()
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]), // one page of memory
    ...section(7, [1, 1, 0x66, 0, 0]), // export "f"
    ...section(10, [1, ...leb(code.length), ...code]),
  ]);
}

/** @param {number} n an unsigned LEB128, to two bytes */
function leb(n) {
  return n < 0x80 ? [n] : [(n & 0x7f) | 0x80, n >> 7];
}
