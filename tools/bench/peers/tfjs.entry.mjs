export { env, setBackend, ready, tensor, keep, tidy, fused, add, mul, clipByValue, mean, reshape } from '@tensorflow/tfjs-core';
export { setWasmPaths, setThreadsCount, getThreadsCount } from '@tensorflow/tfjs-backend-wasm';
