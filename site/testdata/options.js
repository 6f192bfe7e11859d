// Tests of the options of load, of several classifiers at once, of sources that
// are given up, and of preload; run by name from api_test.go.

import { createClassifier, load, models, preload } from '/glance.js';
import { all, check, close, drawn, image, pause, picture, rejects, same, small, using } from '/test/check.js';

/** Raw pixels of the photo. */
async function pixels() {
  const canvas = await drawn(new OffscreenCanvas(1, 1), 'photo.png');
  return canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
}

export const optionTests = {
  async ownLabels({ native }) {
    const labels = ['zero', 'one', 'two', 'three', 'four', 'five', 'six'];
    const { labels: own, probabilities } = native['photo.png'].small;
    for (const worker of [true, false]) {
      await using({ ...small, worker, labels }, async (classifier) => {
        check(same(classifier.info().labels, labels), 'info');
        close(await classifier.classify(await picture('photo.png'), all), { labels, probabilities });
      });
      await using({ ...small, worker }, (classifier) => check(same(classifier.info().labels, own), 'the labels of others'));
      await rejects(load({ ...small, worker, labels: ['one', 'two'] }), 'bad-option', /labels has 2 names, small has 7 classes/);
    }
    for (const wrong of ['cat', [1, 2, 3, 4, 5, 6, 7], {}, null]) await rejects(load({ ...small, labels: wrong }), 'bad-option', /array of strings/);
  },

  async ranking() {
    const blob = await picture('photo.png');
    const everything = await using(small, (classifier) => classifier.classify(blob, all));
    const [{ probability: top }, { probability: second }] = everything;
    await using({ ...small, topk: 2, threshold: second }, async (classifier) => {
      check(same(await classifier.classify(blob), everything.slice(0, 2)), 'defaults given to load');
      check(same(await classifier.classify(blob, { topk: undefined, threshold: undefined }), everything.slice(0, 2)), 'undefined is no choice');
      check(same(await classifier.classify(blob, { topk: 1 }), everything.slice(0, 1)), 'topk of the call');
      check(same(await classifier.classify(blob, { topk: 7, threshold: 0 }), everything), 'both of the call');
      check(same(await classifier.classify(blob, { threshold: (top + second) / 2 }), everything.slice(0, 1)), 'threshold of the call');
      check(same(await classifier.classify(blob, { threshold: 1 }), []), 'none');
      for (const threshold of [-0.1, 1.1, NaN, 'high']) await rejects(classifier.classify(blob, { threshold }), 'bad-option', /threshold/);
    });
    for (const wrong of [{ topk: 0 }, { topk: 'all' }, { threshold: 2 }]) await rejects(load({ ...small, ...wrong }), 'bad-option');
    await using(small, async (classifier) => check((await classifier.classify(blob)).length === 5, 'five by default'));
  },

  async twoModels({ native }) {
    const blob = await picture('photo.png');
    const [one, other] = await Promise.all([createClassifier(small), createClassifier({ model: 'wide', threads: 1 })]);
    const alone = await using(small, (classifier) => classifier.classify(blob, all));
    for (let round = 0; round < 3; round++) { // in turns, and at once
      const [mine, theirs] = await Promise.all([one.classify(blob, all), other.classify(blob, all)]);
      check(same(mine, alone), 'the other model changes the answer');
      close(theirs, native['photo.png'].wide);
    }
    const pending = one.classify(blob);
    one.dispose();
    await rejects(pending, 'disposed');
    close(await other.classify(blob, all), native['photo.png'].wide);
    check(other.info().model === 'wide', 'info');
    other.dispose();
  },

  async rawPixels({ native }) {
    const { data, width, height } = await pixels();
    await using(small, async (classifier) => {
      const within = new Uint8Array(data.length + 8);
      within.set(data, 8);
      for (const given of [data, data.buffer, new Uint8Array(data.buffer), within.subarray(8)]) {
        close(await classifier.classify({ data: given, width, height }, all), native['photo.png'].small);
      }
      check(data.length === 4 * width * height, 'the pixels were taken away');
      await rejects(classifier.classify({ data, width, height: height - 1 }), 'bad-input', /307200 bytes, 320x239 in RGBA would be 305920/);
      for (const size of [{}, { width: 0, height: 0 }, { width: -320, height: -240 }, { width: 640.5, height: 119.9 }]) {
        await rejects(classifier.classify({ data, ...size }), 'bad-input');
      }
      await rejects(classifier.classify({ data: [1, 2, 3, 4], width: 1, height: 1 }), 'bad-input', /must be/);
    });
  },

  async givenUp({ native }) {
    const blob = await picture('photo.png');
    for (const worker of [true, false]) {
      await using({ ...small, worker }, async (classifier) => {
        const answered = async (source) => close(await classifier.classify(source, { ...all, transfer: true }), native['photo.png'].small);
        const bitmap = await createImageBitmap(blob);
        const frame = new VideoFrame(await createImageBitmap(blob), { timestamp: 0 });
        const imageData = await pixels();
        const { data, width, height } = await pixels();
        const canvas = await drawn(new OffscreenCanvas(1, 1), 'photo.png');
        for (const source of [bitmap, frame, imageData, { data: data.buffer, width, height }, canvas, await image('photo.png'), blob]) await answered(source);
        check(bitmap.width === 0, 'the bitmap is open');
        check(frame.format === null, 'the frame is open');
        check(!worker || (imageData.data.length === 0 && data.length === 0), 'pixels were copied');

        // Closed as well where the call is refused.
        const refused = { 'bad-option': { topk: 0 }, aborted: { signal: AbortSignal.abort() } };
        for (const [code, options] of Object.entries(refused)) {
          const lost = await createImageBitmap(blob);
          await rejects(classifier.classify(lost, { ...options, transfer: true }), code);
          check(lost.width === 0, `${code} leaves the bitmap open`);
        }
        const late = new AbortController();
        const lost = await createImageBitmap(blob);
        const call = classifier.embed(lost, { transfer: true, signal: late.signal });
        late.abort();
        await rejects(call, 'aborted');
        check(lost.width === 0, 'an aborted call leaves the bitmap open');

        const { width: w, height: h } = classifier.info();
        const input = new Float32Array(h * w * 3);
        check((await classifier.run(input, { transfer: true })).length === 7, 'run');
        check(!worker || input.length === 0, 'the input was copied');
        classifier.dispose();
        const unused = await createImageBitmap(blob);
        await rejects(classifier.classify(unused, { transfer: true }), 'disposed');
        check(unused.width === 0, 'disposed leaves the bitmap open');
      });
    }
  },

  async logits({ native }) {
    await using(small, async (classifier) => {
      const logits = await classifier.logits(await picture('photo.png'));
      const largest = Math.max(...logits);
      const powers = [...logits].map((v) => Math.exp(v - largest));
      const sum = powers.reduce((a, b) => a + b);
      native['photo.png'].small.probabilities.forEach((p, i) => check(Math.abs(powers[i] / sum - p) < 1e-3, `class ${i}: ${powers[i] / sum}, want ${p}`));
    });
  },

  async abortEverything() {
    const aborted = { signal: AbortSignal.abort('not today') };
    const classifier = await load(small);
    const { width, height } = classifier.info();
    const calls = {
      models: () => models(aborted), load: () => load({ ...small, ...aborted }), preload: () => preload({ ...small, ...aborted }),
      classify: (o) => classifier.classify(new ImageData(8, 8), o), embed: (o) => classifier.embed(new ImageData(8, 8), o),
      logits: (o) => classifier.logits(new ImageData(8, 8), o), run: (o) => classifier.run(new Float32Array(width * height * 3), o),
      memory: (o) => classifier.memory(o), profile: (o) => classifier.profile(o),
    };
    for (const [name, call] of Object.entries(calls)) {
      const error = await rejects(call(aborted), 'aborted').catch((error) => { throw new Error(`${name}: ${error.message}`); });
      check(error.cause === 'not today', `${name}: the reason`);
    }
    for (const name of ['classify', 'embed', 'logits', 'run', 'memory', 'profile']) { // while another call runs
      const abort = new AbortController();
      const first = classifier.profile({ runs: 30 });
      const call = calls[name]({ signal: abort.signal });
      abort.abort();
      await rejects(call, 'aborted');
      await first;
    }
    classifier.dispose();
  },

  async preload({ native }) {
    const { fetch } = globalThis;
    const fetched = [];
    globalThis.fetch = (url, ...rest) => {
      fetched.push(new URL(url, location.href).pathname.replace(/.*\//, ''));
      return fetch(url, ...rest);
    };
    try {
      const model = { weights: '/test/weights/small', name: 'small' };
      for (const worker of [true, false]) {
        const steps = [];
        await preload({ model, worker, threads: 1, onProgress: (step) => steps.push(step) });
        check(fetched.includes('small'), `fetched ${fetched}`);
        check(steps.at(-1).phase === 'weights' && steps.at(-1).loaded === steps.at(-1).total, JSON.stringify(steps.at(-1)));
        fetched.length = 0;
        await preload({ model, worker, threads: 1 }); // is there already
        await using({ model, worker, threads: 1 }, async (classifier) => {
          check(fetched.length === 0, `load fetched ${fetched}`);
          close(await classifier.classify(await picture('photo.png'), all), native['photo.png'].small);
        });
      }
      fetched.length = 0;
      await using({ model, worker: false }, () => check(same(fetched, ['small']), `${fetched}: the weights were kept`));
    } finally {
      globalThis.fetch = fetch;
    }
    const abort = new AbortController();
    const slow = preload({ model: '/test/weights/small?as=slow#.safetensors', signal: abort.signal });
    await pause(50);
    abort.abort();
    await rejects(slow, 'aborted');
    await rejects(preload({ model: 'nothing' }), 'model-unknown');
    await rejects(preload({ model: '/test/weights/nothing' }), 'weights-http');
    await rejects(preload({ ...small, urls: { engine: '/test/missing.wasm' } }), 'engine-http');
    await rejects(preload({ backend: 'webgl' }), 'bad-option');
    await preload({ model: { weights: new Blob([]) } }); // nothing to fetch: load will say what is wrong with it
  },
};
