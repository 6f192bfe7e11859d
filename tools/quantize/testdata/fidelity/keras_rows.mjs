// Reference logits of Keras's MobileNet and MobileNetV2 on formula weights, run
// by TensorFlow.js's layers on its CPU backend.
//
// The networks are written out here with the layer names, paddings and epsilons
// (1e-3) of keras.applications:
//
//   MobileNet    1x1 convolution conv_preds as classifier. Since Keras 2.2 a stride-2
//                depthwise convolution is a zero padding of (0, 1) and a 'valid'
//                convolution, which is 'same' for even sizes; before, and in TF-slim, it
//                is 'same' for every size. keras_v1 has the first, at even sizes;
//                keras_v1_0.25 the second, at an odd size too.
//   MobileNetV2  stride-2 convolutions pad what 'same' would; dense predictions
//
// Run in a scratch directory outside the repository:
//
//   npm install @tensorflow/tfjs@4.22.0
//   cp REPO/tools/quantize/testdata/fidelity/*.mjs . && node keras_rows.mjs REPO/tools/quantize/testdata/fidelity
//
// Made with node 20.

import fs from "node:fs";
import path from "node:path";
import * as tf from "@tensorflow/tfjs";
import { image, rounded, tensor } from "./formula.mjs";

const target = process.argv[2];

/** Applies layers to concrete tensors and gives their weights formula values the
 * first time each is met; batch norms get statistics around the standard deviation
 * of what reaches them, so that activations stay of order one. */
class Network {
  constructor(seed) {
    this.seed = seed;
    this.layers = new Map();
    this.tensors = [];
  }

  /** Pads for a 3x3 convolution as keras.applications' correct_pad does. Returns the
   * padded activation and the padding that the convolution is left with. */
  pad(x, stride) {
    if (stride === 1) return [x, "same"];
    const padding = [1, 2].map((axis) => [x.shape[axis] % 2, 1]);
    return [tf.layers.zeroPadding2d({ padding }).apply(x), "valid"];
  }

  layer(name, x, make, kinds) {
    if (!this.layers.has(name)) {
      const layer = make();
      layer.build(x.shape);
      const values = layer.weights.map((w) => {
        const short = w.originalName.split("/").pop();
        const full = `${name}/${short}`;
        const kind = kinds(short, w.shape);
        this.tensors.push([full, w.shape, ...kind]);
        return tf.tensor(tensor(this.seed, full, w.shape, kind), w.shape);
      });
      layer.setWeights(values);
      this.layers.set(name, layer);
    }
    return this.layers.get(name).apply(x);
  }

  weight(gain) {
    return (short, shape) => {
      if (short === "bias") return ["range", -0.3, 0.3];
      const depthwise = short === "depthwise_kernel";
      const outs = depthwise ? 1 : shape[shape.length - 1];
      const k = shape.reduce((a, b) => a * b, 1) / (depthwise ? shape[2] : outs);
      if (shape.length === 2 || (!depthwise && shape[0] === 1)) {
        return ["zerosum", rounded(gain * Math.sqrt(6 / k)), k, outs];
      }
      const bound = rounded(gain * Math.sqrt(3 / k));
      return ["range", -bound, bound];
    };
  }

  conv(name, x, filters, kernelSize, strides = 1, padding = "same", useBias = false, gain = 1) {
    const config = { filters, kernelSize, strides, padding, useBias };
    return this.layer(name, x, () => tf.layers.conv2d(config), this.weight(gain));
  }

  depthwise(name, x, strides, padding) {
    const config = { kernelSize: 3, strides, padding, useBias: false };
    return this.layer(name, x, () => tf.layers.depthwiseConv2d(config), this.weight(1));
  }

  norm(name, x) {
    const mean = x.mean();
    const s = rounded(x.sub(mean).square().mean().sqrt().dataSync()[0]);
    const kinds = {
      gamma: ["range", 0.6, 1.4],
      beta: ["range", -0.3, 0.3],
      moving_mean: ["range", rounded(-0.3 * s), rounded(0.3 * s)],
      moving_variance: ["range", rounded(0.3 * s * s), rounded(1.7 * s * s)],
    };
    return this.layer(name, x, () => tf.layers.batchNormalization({ epsilon: 1e-3 }), (short) => kinds[short]);
  }

  dense(name, x, units) {
    return this.layer(name, x, () => tf.layers.dense({ units }), this.weight(2));
  }
}

const relu6 = (x) => tf.layers.reLU({ maxValue: 6 }).apply(x);
const pool = (x) => tf.layers.globalAveragePooling2d({}).apply(x);

/** keras.applications.mobilenet; padded as Keras since 2.2 does, or all 'same'. */
function mobilenet(alpha, classes, padded) {
  const rows = [[64, 1], [128, 2], [128, 1], [256, 2], [256, 1], [512, 2]];
  rows.push(...Array(5).fill([512, 1]), [1024, 2], [1024, 1]);
  return (net, x) => {
    x = relu6(net.norm("conv1_bn", net.conv("conv1", x, Math.trunc(32 * alpha), 3, 2)));
    rows.forEach(([channels, stride], i) => {
      const id = i + 1;
      let padding = "same";
      if (stride === 2 && padded) {
        x = tf.layers.zeroPadding2d({ padding: [[0, 1], [0, 1]] }).apply(x);
        padding = "valid";
      }
      x = relu6(net.norm(`conv_dw_${id}_bn`, net.depthwise(`conv_dw_${id}`, x, stride, padding)));
      x = relu6(net.norm(`conv_pw_${id}_bn`, net.conv(`conv_pw_${id}`, x, Math.trunc(channels * alpha), 1)));
    });
    const pooled = pool(x);
    const z = net.conv("conv_preds", pooled.reshape([1, 1, 1, -1]), classes, 1, 1, "same", true, 2);
    return [z, pooled];
  };
}

/** keras.applications.mobilenet_v2. */
function mobilenetV2(alpha, classes) {
  const rows = [[1, 16, 1, 1], [6, 24, 2, 2], [6, 32, 3, 2], [6, 64, 4, 2], [6, 96, 3, 1], [6, 160, 3, 2], [6, 320, 1, 1]];
  const divisible = (v) => {
    const n = Math.max(8, Math.floor((v + 4) / 8) * 8);
    return n < 0.9 * v ? n + 8 : n;
  };
  return (net, x) => {
    const [p, padding] = net.pad(x, 2);
    x = relu6(net.norm("bn_Conv1", net.conv("Conv1", p, divisible(32 * alpha), 3, 2, padding)));
    let id = 0;
    for (const [expansion, c, repeats, s] of rows) {
      for (let i = 0; i < repeats; i++, id++) {
        const prefix = id === 0 ? "expanded_conv_" : `block_${id}_`;
        const input = x;
        const cin = x.shape[3];
        const channels = divisible(Math.trunc(c * alpha));
        const stride = i === 0 ? s : 1;
        if (id > 0) {
          x = relu6(net.norm(prefix + "expand_BN", net.conv(prefix + "expand", x, expansion * cin, 1)));
        }
        const [p, padding] = net.pad(x, stride);
        x = relu6(net.norm(prefix + "depthwise_BN", net.depthwise(prefix + "depthwise", p, stride, padding)));
        x = net.norm(prefix + "project_BN", net.conv(prefix + "project", x, channels, 1));
        if (stride === 1 && cin === channels) x = tf.layers.add().apply([input, x]);
      }
    }
    const last = alpha > 1 ? divisible(1280 * alpha) : 1280;
    x = relu6(net.norm("Conv_1_bn", net.conv("Conv_1", x, last, 1)));
    const pooled = pool(x);
    return [net.dense("predictions", pooled, classes), pooled];
  };
}

/** Runs the network at every size with the first seed that keeps the six largest
 * logits apart, and writes CASE.json and CASE.f32 as reference.py does. */
function write(name, row, forward, sizes) {
  for (let seed = 1; seed < 200; seed++) {
    const net = new Network(seed);
    const runs = [];
    const values = [];
    let clear = true;
    for (const [height, width] of sizes) {
      const x = tf.tensor(image(seed, height, width), [1, height, width, 3]);
      const [z, pooled] = tf.tidy(() => forward(net, x).map((t) => t.dataSync().slice()));
      const mirrored = tf.tidy(() => forward(net, x.reverse(2).neg())[0].dataSync().slice());
      const std = deviation(z);
      const top = [...z].sort((a, b) => b - a).slice(0, 6);
      const gap = Math.min(...top.slice(1).map((v, i) => top[i] - v)) / std;
      clear &&= gap >= 0.015;
      const moved = deviation(z.map((v, i) => v - mirrored[i])) / std;
      console.log(name, "seed", seed, `${height}x${width}`, "std", std.toFixed(2), "moved by another input",
        moved.toFixed(2), "of std, gap", gap.toFixed(3), "of std");
      runs.push({ height, width, logits: z.length, embedding: pooled.length });
      values.push(z, pooled);
      if (!clear) break;
    }
    if (!clear) continue;
    const byLayer = (t) => t[0].split("/")[0];
    net.tensors.sort((a, b) => (byLayer(a) < byLayer(b) ? -1 : byLayer(a) > byLayer(b) ? 1 : 0));
    const head = JSON.stringify({ framework: "keras", ...row, seed, runs }, null, 2);
    const lines = net.tensors.map((t) => "    " + JSON.stringify(t)).join(",\n");
    fs.writeFileSync(path.join(target, name + ".json"), head.replace(/\n}$/, `,\n  "tensors": [\n${lines}\n  ]\n}\n`));
    fs.writeFileSync(path.join(target, name + ".f32"), Buffer.concat(values.map((v) => Buffer.from(v.buffer))));
    return;
  }
}

function deviation(v) {
  const mean = v.reduce((a, b) => a + b, 0) / v.length;
  return Math.sqrt(v.reduce((a, b) => a + (b - mean) ** 2, 0) / v.length);
}

await tf.setBackend("cpu");
const sizes = [[224, 224], [161, 225]];
write("keras_v1", { arch: "mobilenet_v1" }, mobilenet(1, 1000, true), [[224, 224], [160, 192]]);
write("keras_v1_0.25", { arch: "mobilenet_v1", alpha: 0.25, classes: 10 }, mobilenet(0.25, 10, false), sizes);
write("keras_v2", { arch: "mobilenet_v2" }, mobilenetV2(1, 1000), sizes);
write("keras_v2_0.35", { arch: "mobilenet_v2", alpha: 0.35, classes: 10 }, mobilenetV2(0.35, 10), sizes);
