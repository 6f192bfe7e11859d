// Times programs on kernel modules. Variants take turns, slice by slice, so
// that whatever else the machine does falls on all of them alike.

const control = 512;

/**
 * @param {{modules: {name: string, code: string}[], roofs: string[], cases: any[], slice: number, rounds: number}} job
 * @returns {Promise<any>} times: microseconds of one run, by case and variant; steps: the same of each step; roof: GMAC/s of the roofline kernels
 */
async function measure(job) {
  const decode = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
  const instances = [];
  for (const { name, code, threads } of job.modules) {
    const module = await WebAssembly.compile(decode(code));
    const memory = threads > 1 && new WebAssembly.Memory({ initial: 1, maximum: 4096, shared: true });
    const { exports } = await WebAssembly.instantiate(module, memory ? { env: { memory } } : {});
    for (let lane = 1; lane < threads; lane++) {
      if (lane === 1) exports.setup(control, threads);
      const worker = new Worker('/measure.js', { type: 'module' });
      const ready = new Promise((resolve) => (worker.onmessage = resolve));
      worker.postMessage({ helper: { module, memory, lane } });
      await ready;
    }
    instances.push({ name, exports });
  }
  const roofs = [];
  for (const code of job.roofs) {
    const { instance } = await WebAssembly.instantiate(decode(code), {});
    for (const [name, kernel] of Object.entries(instance.exports)) {
      if (typeof kernel === 'function') roofs.push({ name, kernel, macs: instance.exports[`${name}_macs`].value });
    }
  }

  const times = {};
  const steps = {};
  const roof = {};
  const repeat = (f, count) => {
    const start = performance.now();
    for (let i = 0; i < count; i++) f();
    return (performance.now() - start) / count;
  };
  // Runs until the optimising compiler has long been done, and returns how many
  // runs fill a slice.
  const warm = (f) => {
    const until = performance.now() + job.warm;
    let ms = 0;
    do ms = repeat(f, 3); while (performance.now() < until);
    return Math.max(1, Math.round(job.slice / Math.max(repeat(f, 5), 1e-4)));
  };
  const roofCounts = roofs.map(({ kernel }) => warm(() => kernel(100)));
  const measureRoof = () => roofs.forEach(({ name, kernel, macs }, i) => {
    const ms = repeat(() => kernel(100), roofCounts[i]);
    (roof[name] ??= []).push(100 * macs / ms / 1e6);
  });

  for (const c of job.cases) {
    const runs = [];
    const writes = (c.writes ?? []).map(({ at, data }) => ({ at, data: decode(data) }));
    for (const { name, exports } of instances) {
      const pages = Math.ceil(c.bytes / 65536) - exports.memory.buffer.byteLength / 65536;
      if (pages > 0) exports.memory.grow(pages);
      const bytes = new Uint8Array(exports.memory.buffer);
      const floats = new Float32Array(exports.memory.buffer, 65536, (c.bytes - 65536) >> 2); // the first page is the module's
      for (let i = 0; i < floats.length; i++) floats[i] = ((i * 7919) % 1013) / 1013 - 0.45;
      for (const { at, data } of writes) bytes.set(data, at);
      const run = () => {
        const status = exports.run(c.program, 0, c.phases);
        if (status !== 0) throw new Error(`${c.name} on ${name}: status ${status}`);
      };
      // The mean microseconds of each step in so many runs.
      const runSteps = (count) => {
        const sums = c.steps.map(() => 0);
        for (let n = 0; n < count; n++) {
          c.steps.forEach(({ from, to }, i) => {
            const start = performance.now();
            exports.run(c.program, from, to);
            sums[i] += performance.now() - start;
          });
        }
        return sums.map((ms) => ms * 1000 / count);
      };
      runs.push({ name, run, runSteps, count: warm(run) });
    }
    times[c.name] = {};
    steps[c.name] = {};
    for (let round = 0; round < job.rounds; round++) {
      measureRoof();
      for (const { name, run, runSteps, count } of runs) {
        (times[c.name][name] ??= []).push(repeat(run, count) * 1000);
        if (c.steps) (steps[c.name][name] ??= []).push(runSteps(count));
      }
    }
  }
  return { times, steps, roof };
}

if (typeof process !== 'undefined') {
  const fs = await import('node:fs');
  const job = JSON.parse(fs.readFileSync(0, 'utf8'));
  console.log(JSON.stringify(await measure(job)));
} else {
  onmessage = async ({ data }) => {
    if (data.helper) {
      const { module, memory, lane } = data.helper;
      postMessage('ready');
      return new WebAssembly.Instance(module, { env: { memory } }).exports.serve(control, lane);
    }
    try {
      postMessage({ result: await measure(data) });
    } catch (error) {
      postMessage({ error: String(error) });
    }
  };
}
