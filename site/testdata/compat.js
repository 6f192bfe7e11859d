// Tests of the compatibility module, written as code for
// @tensorflow-models/mobilenet is; run by name from api_test.go.

import * as mobilenet from '/compat.js';
import { check, close, drawn, image, picture, rejects, same } from '/test/check.js';

const hosted = { urls: { manifest: '/test/compat.json' }, threads: 1 };

/** A tensor as tf.browser.fromPixels makes it, but for its methods. */
async function tensor(name) {
  const canvas = await drawn(new OffscreenCanvas(1, 1), name);
  const { data, width, height } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const values = Int32Array.from({ length: width * height * 3 }, (_, i) => data[4 * Math.floor(i / 3) + (i % 3)]);
  return { shape: [height, width, 3], dataSync: () => values };
}

const refuses = (call, code, pattern) => rejects((async () => call())(), code, pattern);

export const compatTests = {
  async compatClassify({ native }) {
    const answer = native['photo.png'].small;
    const img = await image('photo.png');
    const model = await mobilenet.load({ ...hosted, version: 1, alpha: 1.0 });
    const predictions = await model.classify(img);
    check(predictions.length === 3, `${predictions.length} predictions, want 3`);
    check(predictions.every((p) => same(Object.keys(p), ['className', 'probability'])), 'shape of the result');
    check((await model.classify(img, 1)).length === 1, 'topk');
    close(await model.classify(img, 100), answer);
    const canvas = await drawn(document.createElement('canvas'), 'photo.png');
    const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const plain = await tensor('photo.png');
    const batched = { ...plain, shape: [1, ...plain.shape] };
    for (const source of [canvas, pixels, plain, batched, await picture('photo.png')]) close(await model.classify(source, 100), answer);
    await rejects(model.classify({ ...plain, shape: [2, ...plain.shape] }), 'bad-input', /\[height, width, 3\]/);
    await rejects(model.classify({ ...plain, shape: [240, 320] }), 'bad-input', /\[240,320\]/);
    await rejects(model.classify('cat.jpg'), 'bad-input');
    model.dispose();
    await rejects(model.classify(img), 'disposed');
  },

  async compatInfer({ native }) {
    const { probabilities, embedding } = native['photo.png'].small;
    const img = await image('photo.png');
    for (const worker of [true, false]) {
      const model = await mobilenet.load({ ...hosted, worker });
      const pending = model.infer(img);
      check(same(pending.shape, [1, 7]) && pending.rank === 2 && pending.size === 7 && pending.dtype === 'float32', 'shape');
      if (worker) await refuses(() => pending.dataSync(), 'unsupported', /await infer/);
      else check(same([...pending.dataSync()], [...await pending.data()]), 'at once');
      const logits = await pending;
      check(logits.then === undefined && pending.dataSync() === logits.dataSync(), 'awaited');
      check(same(logits.arraySync(), [[...logits.dataSync()]]) && same(await pending.array(), logits.arraySync()), 'arrays');
      const powers = [...await logits.data()].map(Math.exp);
      const sum = powers.reduce((a, b) => a + b);
      probabilities.forEach((p, i) => check(Math.abs(powers[i] / sum - p) < 1e-3, `class ${i}: ${powers[i] / sum}, want ${p}`));

      const features = model.infer(img, true);
      check(same(features.shape, [1, embedding.length]), 'shape of an embedding');
      const largest = Math.max(...embedding.map(Math.abs));
      (await features.data()).forEach((v, i) => check(Math.abs(v - embedding[i]) <= 1e-3 * largest, `feature ${i}: ${v}, want ${embedding[i]}`));

      logits.dispose();
      pending.dispose();
      check(logits.isDisposed && pending.isDisposed, 'isDisposed');
      await refuses(() => logits.dataSync(), 'disposed');
      await rejects(pending.data(), 'disposed');
      await refuses(async () => model.infer('cat.jpg'), 'bad-input');
      await refuses(async () => model.infer(document.createElement('video')), 'bad-input');
      model.dispose();
      await refuses(async () => model.infer(img), 'disposed');
    }
  },

  // Without a worker every picture is read at once, and calls that wait keep their answers.
  async compatInferAtOnce({ native }) {
    const model = await mobilenet.load({ ...hosted, worker: false });
    const canvas = await drawn(document.createElement('canvas'), 'photo.png');
    const { probabilities } = native['photo.png'].small;
    const waiting = [model.classify(await picture('photo.png'), 100), model.classify(await image('photo.png'), 100)];
    const other = model.infer(await tensor('other.png')).dataSync();
    const bitmap = await createImageBitmap(canvas);
    const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    const softmax = (values) => {
      const powers = [...values].map(Math.exp);
      const sum = powers.reduce((a, b) => a + b);
      return powers.map((p) => p / sum);
    };
    for (const source of [canvas, bitmap, data, await image('photo.png'), await tensor('photo.png'), { data: data.data, width: data.width, height: data.height }]) {
      softmax(model.infer(source).dataSync()).forEach((p, i) => check(Math.abs(p - probabilities[i]) < 1e-3, `class ${i}: ${p}, want ${probabilities[i]}`));
    }
    softmax(other).forEach((p, i) => check(Math.abs(p - native['other.png'].small.probabilities[i]) < 1e-3, 'the other picture'));
    for (const predictions of await Promise.all(waiting)) close(predictions, native['photo.png'].small);
    await refuses(async () => model.infer(new Image()), 'bad-input', /picture that is there/);
    model.dispose();
  },

  async compatModels() {
    const v2 = await mobilenet.load({ ...hosted, version: 2, alpha: 0.5 });
    check((await v2.classify(await picture('photo.png'), 10)).length === 3, 'V2 0.5');
    v2.dispose();
    await rejects(mobilenet.load({ ...hosted, version: 1, alpha: 0.25 }), 'model-unknown',
      /MobileNetV1 with alpha 0.25 .* mobilenet_v1_025_google or mobilenet_v1_025 \(it has mobilenet_v1, .*tools\/quantize/);
    await rejects(mobilenet.load({ ...hosted, version: 2 }), 'model-unknown', /mobilenet_v2_google or mobilenet_v2 /);
    await rejects(mobilenet.load({ ...hosted, version: 3 }), 'bad-option', /1 or 2/);
    await rejects(mobilenet.load({ ...hosted, version: 2, alpha: 0.25 }), 'bad-option', /0.5, 0.75, 1/);
    await rejects(mobilenet.load({ ...hosted, alpha: 'wide' }), 'bad-option');
    await rejects(mobilenet.load(1), 'bad-option', /takes an object/);
    await rejects(mobilenet.load({ signal: AbortSignal.abort() }), 'aborted');
    const bytes = await (await fetch('/test/weights/small')).arrayBuffer();
    for (const modelUrl of ['/test/weights/small', new URL('/test/weights/small', location.href), { weights: bytes, name: 'mine' }]) {
      const model = await mobilenet.load({ modelUrl, inputRange: [0, 1], threads: 1 });
      check((await model.classify(await picture('photo.png'))).length === 3, 'modelUrl');
      model.dispose();
    }
    for (const modelUrl of ['https://example.org/mobilenet/model.json', '/model.json?v=2', 'https://tfhub.dev/google/imagenet/mobilenet_v1_100_224/classification/1', { load() {} }]) {
      await rejects(mobilenet.load({ modelUrl }), 'bad-option', /quantize convert/);
    }
  },
};
