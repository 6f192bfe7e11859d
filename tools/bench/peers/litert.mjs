// LiteRT.js on its CPU accelerator: XNNPACK compiled to wasm, with relaxed SIMD where the browser has it.
import { loadLiteRt, loadAndCompile, Tensor } from '/bundle/litert.js';

const dir = '/node_modules/@litertjs/core/wasm/';
let model, shape;

export async function load(name, threads, [height, width]) {
  const script = dir + (threads > 1 ? 'litert_wasm_threaded_internal.js' : 'litert_wasm_internal.js');
  // In a worker the loader cannot tell where its script came from.
  self.Module = { locateFile: (file) => dir + file, mainScriptUrlOrBlob: script };
  const bytes = fetch(`/models/${name}.tflite`).then((r) => r.arrayBuffer()).then((b) => new Uint8Array(b));
  await loadLiteRt(dir, { threads: threads > 1 });
  model = await loadAndCompile(await bytes, { accelerator: 'wasm', cpuOptions: { numThreads: threads } });
  shape = [1, height, width, 3];
}

export async function run(input) {
  const x = new Tensor(input, shape);
  const [y] = await model.run(x);
  x.delete();
  const logits = await y.data();
  y.delete();
  return logits;
}

export const info = () => ({ delegated: model.isFullyAccelerated });
