// Loads one engine and times it. A classic worker, because some engines call
// importScripts; the engines themselves are ES modules.
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

async function measure(q) {
  const shape = [Number(q.height), Number(q.width)];
  const wanted = q.input ? floats(q.input) : undefined;
  const begun = performance.now();
  const engine = await import(q.engine);
  await engine.load(q.model, Number(q.threads), shape);
  const loaded = performance.now();
  let input = await wanted;
  if (input && engine.layout === 'NCHW') input = toNCHW(input);
  const ready = performance.now();
  let out = await engine.run(input);
  postMessage({ first: true });
  const result = { loadMs: loaded - begun, firstRunMs: performance.now() - ready };
  if (q.reference && out?.length) {
    const want = await floats(q.reference);
    let worst = 0, largest = 0;
    want.forEach((w, i) => { worst = Math.max(worst, Math.abs(out[i] - w)); largest = Math.max(largest, Math.abs(w)); });
    result.error = worst / largest < 1e-2 ? undefined : `logits differ by ${worst / largest} of the largest`;
    result.deviation = worst / largest;
  }
  const runs = Number(q.runs ?? 0);
  if (runs) {
    const until = performance.now() + Number(q.warmMs);
    for (let n = 0; n < 10 || performance.now() < until; n++) await engine.run(input);
    result.times = [];
    for (let i = 0; i < runs; i++) {
      const t = performance.now();
      out = await engine.run(input);
      result.times.push(performance.now() - t);
    }
  }
  result.rates = await engine.rates?.();
  result.info = await engine.info?.();
  return result;
}

onmessage = async ({ data }) => {
  onmessage = null;
  try {
    postMessage(await measure(data));
  } catch (e) {
    postMessage({ error: String(e?.stack ?? e) });
  }
};
