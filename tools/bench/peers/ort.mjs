// onnxruntime-web on its wasm execution provider, all graph optimizations on.
import * as ort from '/node_modules/onnxruntime-web/dist/ort.wasm.min.mjs';

export const layout = 'NCHW';
let session, dims;

export async function load(name, threads, [height, width]) {
  dims = [1, 3, height, width];
  ort.env.wasm.numThreads = threads;
  ort.env.wasm.wasmPaths = new URL('/node_modules/onnxruntime-web/dist/', location.href).href;
  session = await ort.InferenceSession.create(`/models/${name}.onnx`, { executionProviders: ['wasm'], graphOptimizationLevel: 'all' });
}

export const run = async (input) => (await session.run({ input: new ort.Tensor('float32', input, dims) })).logits.data;
