// Loads one engine and times it when asked. A classic worker, because some engines call
// importScripts; the engines themselves are ES modules.
let engine, input, reference;

async function floats(url) {
  const r = await fetch(url);
  if (!r.ok) throw new Error(`${url}: HTTP ${r.status}`);
  return new Float32Array(await r.arrayBuffer());
}

function toNCHW(nhwc) {
  const plane = nhwc.length / 3, out = new Float32Array(nhwc.length);
  for (let i = 0; i < plane; i++) for (let c = 0; c < 3; c++) out[c * plane + i] = nhwc[i * 3 + c];
  return out;
}

/** Imports an engine, loads the network and runs it once. */
async function load({ module, model, threads, ownInput, shape }) {
  const wanted = ownInput ? undefined : floats(`/models/${model}.input.bin`);
  reference = ownInput ? undefined : `/models/${model}.logits.bin`;
  const begun = performance.now();
  engine = await import(module);
  await engine.load(model, threads, shape);
  const loaded = performance.now();
  input = await wanted;
  if (input && engine.layout === 'NCHW') input = toNCHW(input);
  const ready = performance.now();
  await engine.run(input);
  return { loadMs: loaded - begun, firstRunMs: performance.now() - ready };
}

/** Compares the logits with the reference, then runs until ms have passed and ten runs are done. */
async function warm(ms) {
  const out = await engine.run(input), result = {};
  if (reference && out?.length) {
    const want = await floats(reference);
    let worst = 0, largest = 0;
    want.forEach((w, i) => { worst = Math.max(worst, Math.abs(out[i] - w)); largest = Math.max(largest, Math.abs(w)); });
    result.deviation = worst / largest;
    if (!(result.deviation < 1e-2)) throw new Error(`logits differ by ${result.deviation} of the largest`);
  }
  if (engine.rates) return await engine.rates(), result;
  const until = performance.now() + ms;
  for (let n = 0; n < 10 || performance.now() < until; n++) await engine.run(input);
  result.info = await engine.info?.();
  return result;
}

/** A slice: the milliseconds of five runs, after a pause for the threads of the engine before to go to sleep, and two runs untimed. */
async function time() {
  if (engine.rates) return { rates: await engine.rates() };
  await new Promise((done) => setTimeout(done, 20));
  for (let i = 0; i < 2; i++) await engine.run(input);
  const times = [];
  for (let i = 0; i < 5; i++) {
    const begun = performance.now();
    await engine.run(input);
    times.push(performance.now() - begun);
  }
  return { times };
}

onmessage = async ({ data }) => {
  try {
    postMessage(data.load ? await load(data.load) : data.time ? await time() : await warm(data.warm));
  } catch (e) {
    postMessage({ error: String(e?.stack ?? e) });
  }
};
