// A helper thread: takes lanes of every program of the engine that started it,
// until it is terminated. While it serves it waits inside WebAssembly and handles
// no more messages. An error here ends the worker, which its engine notices.

onmessage = ({ data: { module, memory, control, lane } }) => {
  const instance = new WebAssembly.Instance(module, { env: { memory } });
  postMessage('serving');
  /** @type {any} */ (instance.exports).serve(control, lane);
};
