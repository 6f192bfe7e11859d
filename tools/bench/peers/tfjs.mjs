// TensorFlow.js on its wasm backend, called at its best: the fused operators
// directly, with no graph executor in between, and values freed after their last use.
import * as tf from '/bundle/tfjs.js';

let ops, height, width;

export async function load(model, threads, shape) {
  [height, width] = shape;
  tf.setWasmPaths('/node_modules/@tensorflow/tfjs-backend-wasm/dist/');
  // One thread means the build without threads, as on a page that is not isolated. It never
  // uses more than half the logical cores, so for N threads it is told there are 2N.
  if (threads === 1) tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false);
  else Object.defineProperty(navigator, 'hardwareConcurrency', { value: 2 * threads });
  tf.setThreadsCount(threads);
  const [list, data] = await Promise.all([
    fetch(`/models/${model}.tfjs.json`).then((r) => r.json()),
    fetch(`/models/${model}.tfjs.bin`).then((r) => r.arrayBuffer()),
    tf.setBackend('wasm').then(() => tf.ready()),
  ]);
  const constant = (t) => t && tf.keep(tf.tensor(new Float32Array(data, t.offset, t.shape.reduce((a, b) => a * b, 1)), t.shape));
  ops = list.map((o) => ({
    ...o,
    filter: constant(o.weight),
    bias: constant(o.bias),
    pad: o.pad && [[0, 0], [o.pad[0], o.pad[2]], [o.pad[1], o.pad[3]], [0, 0]],
  }));
  const used = new Set();
  for (const o of [...ops].reverse()) {
    o.last = o.in.filter((v) => !used.has(v));
    for (const v of o.last) used.add(v);
  }
}

const hardSigmoid = (x) => tf.clipByValue(tf.add(tf.mul(x, 1 / 6), 0.5), 0, 1);

function apply(o, [x, y]) {
  switch (o.op) {
    case 'conv': return tf.fused.conv2d({ x, filter: o.filter, strides: o.stride, pad: o.pad, bias: o.bias, activation: o.act });
    case 'dwconv': return tf.fused.depthwiseConv2d({ x, filter: o.filter, strides: o.stride, pad: o.pad, bias: o.bias, activation: o.act });
    case 'dense': return tf.fused.matMul({ a: tf.reshape(x, [1, -1]), b: o.filter, bias: o.bias, activation: o.act });
    case 'add': return tf.add(x, y);
    case 'mul': return tf.mul(x, y);
    case 'gap': return tf.mean(x, [1, 2], true);
    case 'hsigmoid': return tf.tidy(() => hardSigmoid(x));
    case 'hswish': return tf.tidy(() => tf.mul(x, hardSigmoid(x)));
    default: throw new Error(`tfjs: no operator ${o.op}`);
  }
}

export function run(input) {
  const out = tf.tidy(() => {
    const values = [tf.tensor(input, [1, height, width, 3])];
    for (const o of ops) {
      values[o.out] = apply(o, o.in.map((v) => values[v]));
      for (const v of o.last) values[v].dispose();
    }
    return values[ops.at(-1).out];
  });
  const logits = out.dataSync();
  out.dispose();
  return logits;
}

export const info = () => ({ threads: tf.getThreadsCount() });
