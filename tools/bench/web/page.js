// One visit: runs one engine in a fresh worker and leaves what it measured in
// window.result. Parameters are in the query string, see visit() in browser.go.
const query = Object.fromEntries(new URLSearchParams(location.search));
const finish = (r) => { window.result ??= r; };
addEventListener('error', (e) => finish({ error: String(e.error ?? e.message) }));
addEventListener('unhandledrejection', (e) => finish({ error: String(e.reason) }));
let firstMs;
const worker = new Worker('/web/worker.js');
worker.onerror = (e) => finish({ error: e.message || 'the worker failed to start' });
worker.onmessage = ({ data }) => {
  if (data.first) firstMs = performance.now(); // since navigation began
  else finish({ ...data, firstMs });
};
if (crossOriginIsolated) worker.postMessage(query);
else finish({ error: 'the page is not cross-origin isolated' });
