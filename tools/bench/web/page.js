// One visit: loads engines, each in a worker of its own, then times them in turns. What to do is in
// the query string; lines to show and in the end the results are queued in window.events, see browser.go.
const { engines, slices, warmMs, ...network } = JSON.parse(new URLSearchParams(location.search).get('visit'));
window.events = [];

/** Starts a worker. The function that it returns sends a message and resolves to the answer. */
function start() {
  const worker = new Worker('/web/worker.js');
  return (message) => new Promise((resolve, reject) => {
    worker.onerror = (e) => reject(new Error(e.message || 'the worker failed to start'));
    worker.onmessage = ({ data }) => (data.error ? reject(new Error(data.error)) : resolve(data));
    worker.postMessage(message);
  });
}

async function visit() {
  if (!crossOriginIsolated) throw new Error('the page is not cross-origin isolated');
  const results = {}, asks = {};
  const attempt = async (id, step) => {
    try {
      await step(results[id]);
    } catch (e) {
      results[id].error ??= String(e?.message ?? e);
      delete asks[id];
    }
  };
  for (const { id, ...engine } of engines) {
    const ask = (asks[id] = start());
    results[id] = { slices: [] };
    await attempt(id, async (result) => {
      Object.assign(result, await ask({ load: { ...network, ...engine } }));
      result.firstMs = performance.now(); // since navigation began
      if (!slices) return;
      Object.assign(result, await ask({ warm: warmMs }));
      window.events.push({ line: `${id}: loaded in ${result.loadMs.toFixed(0)} ms, first run ${result.firstRunMs.toFixed(0)} ms ${JSON.stringify(result.info ?? {})}` });
    });
  }
  for (let slice = 0; slice < slices; slice++) {
    const ids = Object.keys(asks);
    // Each slice begins with another engine, so that none has always the same one before it.
    for (let i = 0; i < ids.length; i++) {
      const id = ids[(slice + i) % ids.length];
      await attempt(id, async (result) => result.slices.push(await asks[id]({ time: true })));
    }
  }
  return { results };
}

visit().catch((e) => ({ error: String(e?.message ?? e) })).then((result) => window.events.push(result));
