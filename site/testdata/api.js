// The tests of the JavaScript API, run by name from api_test.go. What the native
// engine says of the same pictures is in `native`: {picture: {model: answer}}.

import { load, models, preload } from '/glance.js';
import { all, check, close, drawn, image, pause, picture, rejects, same, small, using } from '/test/check.js';
import { sha256 } from '/sha256.js';

export const tests = {
  async everySource({ native }) {
    await using(small, async (classifier) => {
      const blob = await picture('photo.png');
      const answer = native['photo.png'].small;
      const bitmap = await createImageBitmap(blob);
      const frame = new VideoFrame(bitmap, { timestamp: 0 });
      const canvas = await drawn(document.createElement('canvas'), 'photo.png');
      const data = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
      const sources = {
        blob, bitmap, frame, canvas, data,
        file: new File([blob], 'photo.png', { type: 'image/png' }),
        img: await image('photo.png'),
        loading: Object.assign(new Image(), { src: '/test/pictures/photo.png?loading' }),
        offscreen: await drawn(new OffscreenCanvas(1, 1), 'photo.png'),
      };
      for (const [name, source] of Object.entries(sources)) {
        try {
          close(await classifier.classify(source, all), answer);
          close(await classifier.classify(source, all), answer); // it stays the caller's
        } catch (error) {
          throw new Error(`${name}: ${error.message}`);
        }
      }
      check(bitmap.width > 0 && frame.displayWidth > 0 && data.data.length > 0, 'a source was taken away');
      frame.close();
    });
  },

  async everySourceInThisThread({ native }) {
    await using({ ...small, worker: false }, async (classifier) => {
      const blob = await picture('photo.png');
      const bitmap = await createImageBitmap(blob);
      const frame = new VideoFrame(bitmap, { timestamp: 0 });
      for (const source of [blob, bitmap, frame, bitmap, frame, await image('photo.png')]) {
        close(await classifier.classify(source, all), native['photo.png'].small);
      }
      frame.close();
    });
  },

  // What the caller does to a source after the call changes nothing.
  async readAtTheCall({ native, input, logits }) {
    const blob = await picture('photo.png');
    for (const worker of [true, false]) {
      await using({ ...small, worker, backend: 'simd128' }, async (classifier) => {
        const canvas = await drawn(document.createElement('canvas'), 'photo.png');
        const context = canvas.getContext('2d');
        const data = context.getImageData(0, 0, canvas.width, canvas.height);
        const raw = { data: new Uint8Array(data.data), width: data.width, height: data.height };
        const bitmap = await createImageBitmap(blob);
        const frame = new VideoFrame(bitmap, { timestamp: 0 });
        const values = Float32Array.from(input);
        const calls = [canvas, data, raw, bitmap, frame].map((source) => classifier.classify(source, all));
        const output = classifier.run(values);
        context.clearRect(0, 0, canvas.width, canvas.height);
        data.data.fill(0);
        raw.data.fill(0);
        bitmap.close();
        frame.close();
        values.fill(0);
        for (const call of calls) close(await call, native['photo.png'].small);
        check(same([...await output], logits.map(Math.fround)), 'run computed what the input became later');
      });
    }
  },

  async drawings() {
    const svg = (size) => new Blob([`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 20" ${size}><rect width="20" height="20" fill="red"/></svg>`], { type: 'image/svg+xml' });
    await using(small, async (classifier) => {
      for (const size of ['width="300" height="150"', '']) {
        const element = Object.assign(new Image(), { src: URL.createObjectURL(svg(size)) });
        await element.decode();
        check((await classifier.classify(element)).length === 5, `a drawing with ${size || 'no size'}`);
      }
    });
  },

  async video({ native }) {
    const canvas = await drawn(document.createElement('canvas'), 'photo.png');
    const video = document.createElement('video');
    video.muted = true;
    video.srcObject = canvas.captureStream(30);
    const context = canvas.getContext('2d');
    const timer = setInterval(() => context.drawImage(canvas, 0, 0), 20); // frames come when it is drawn to
    await using(small, async (classifier) => {
      await rejects(classifier.classify(document.createElement('video')), 'bad-input', /no picture yet/);
      await video.play();
      close(await classifier.classify(video, all), native['photo.png'].small, 0.02); // through YUV
    });
    clearInterval(timer);
  },

  async pictures({ native }) {
    for (const model of ['small', 'wide']) {
      await using({ model, threads: 1 }, async (classifier) => {
        for (const name of Object.keys(native)) {
          // The browser composites in whole numbers of 8 bits, before resizing, as the engine does.
          close(await classifier.classify(await picture(name), all), native[name][model], 2e-3);
          close(await classifier.classify(await image(name), all), native[name][model], 2e-3);
        }
        const canvas = new OffscreenCanvas(120, 100);
        const { data } = (await drawn(canvas, 'alpha.png')).getContext('2d').getImageData(0, 0, 120, 100);
        close(await classifier.classify(new ImageData(data, 120, 100), all), native['alpha.png'][model], 2e-3);
      });
    }
  },

  async trained({ native }) {
    if (!native['photo.png'].nsfw_mobilenet_v2) return 'skip: make weights has not been run';
    await using({ model: 'nsfw_mobilenet_v2' }, async (classifier) => {
      for (const name of ['photo.png', 'other.png']) {
        close(await classifier.classify(await picture(name), all), native[name].nsfw_mobilenet_v2);
      }
    });
  },

  async embedAndRun({ native, input, logits }) {
    await using({ ...small, backend: 'simd128' }, async (classifier) => {
      const { embedding } = native['photo.png'].small;
      const features = await classifier.embed(await picture('photo.png'));
      check(features instanceof Float32Array && features.length === classifier.info().embedding && features.length === embedding.length, 'length of the embedding');
      const largest = Math.max(...embedding.map(Math.abs));
      features.forEach((v, i) => check(Math.abs(v - embedding[i]) <= 1e-3 * largest, `feature ${i}: ${v}, want ${embedding[i]}`));

      const values = Float32Array.from(input);
      const output = await classifier.run(values);
      check(values.length === input.length, 'the input was taken away');
      check(output.length === logits.length, 'length of the logits');
      output.forEach((v, i) => check(v === Math.fround(logits[i]), `logit ${i}: ${v}, want ${logits[i]}`));
      await rejects(classifier.run(new Float32Array(5)), 'bad-input', /5 values, the network wants 64x64x3 = 12288/);
      await rejects(classifier.run(values.fill(NaN)), 'bad-input', /NaN/);
      await rejects(classifier.run([1]), 'bad-input');
    });
  },

  async backends({ native }) {
    const blob = await picture('photo.png');
    for (const worker of [true, false]) {
      for (const backend of ['simd128', 'relaxed', 'go']) {
        await using({ ...small, backend, worker }, async (classifier) => {
          check(classifier.info().backend === backend, `runs on ${classifier.info().backend}`);
          close(await classifier.classify(blob, all), native['photo.png'].small);
        });
      }
    }
    await using(small, async (classifier) => check(['simd128', 'relaxed'].includes(classifier.info().backend), 'auto uses SIMD'));
  },

  // Run on a page of its own, where no choice was made yet.
  async withoutSIMD({ native }) {
    // As a browser without SIMD: nothing with a vector in it is valid.
    const { validate } = WebAssembly;
    WebAssembly.validate = () => false;
    try {
      await using({ model: 'small', worker: false }, async (classifier) => {
        check(classifier.info().backend === 'go', classifier.info().backend);
        close(await classifier.classify(await picture('photo.png'), all), native['photo.png'].small);
      });
      await rejects(load({ model: 'small', worker: false, backend: 'relaxed' }), 'unsupported', /it runs go/);
    } finally {
      WebAssembly.validate = validate;
    }
  },

  async threads({ isolated }) {
    const blob = await picture('photo.png');
    const alone = await using({ ...small, backend: 'simd128' }, (classifier) => classifier.classify(blob, all));
    for (const threads of [2, 3]) {
      await using({ model: 'small', threads, backend: 'simd128' }, async (classifier) => {
        check(same(await classifier.classify(blob, all), alone), 'other bits while helpers start');
        const want = isolated ? threads : 1;
        for (let i = 0; i < 100 && classifier.info().threads < want; i++) await pause(50);
        check(classifier.info().threads === want, `${classifier.info().threads} threads, want ${want}`);
        for (let i = 0; i < 20; i++) check(same(await classifier.classify(blob, all), alone), `other bits on ${threads} threads`);
      });
    }
    // Helpers that cannot start leave the engine with one thread.
    await using({ model: 'small', threads: 2, backend: 'simd128', urls: { helper: '/test/missing.js' } }, async (classifier) => {
      await pause(200);
      check(same(await classifier.classify(blob, all), alone), 'other bits without helpers');
      check(classifier.info().threads === 1, `${classifier.info().threads} threads, want 1`);
    });
    // On the page's own thread, which may not wait, there is one.
    await using({ model: 'small', threads: 2, worker: false }, async (classifier) => {
      await classifier.classify(blob);
      check(classifier.info().threads === 1, 'threads on the page');
    });
  },

  async insideWorker({ native, isolated }) {
    const worker = new Worker('/test/inner.js', { type: 'module' });
    worker.postMessage({ options: { model: 'small', threads: isolated ? 2 : 1 }, picture: await picture('photo.png') });
    const { data } = await new Promise((done) => { worker.onmessage = done; });
    worker.terminate();
    check(!data.error, data.error);
    check(data.threads === (isolated ? 2 : 1), `${data.threads} threads`);
    check(same(data.predictions, data.again), 'other bits with a helper');
    check(data.predictions[0].className === native['photo.png'].small.labels[3], 'top-1');
  },

  async order() {
    await using(small, async (classifier) => {
      const blobs = [await picture('photo.png'), await picture('other.png')];
      const want = [];
      for (const blob of blobs) want.push(await classifier.classify(blob));
      const slow = Object.assign(new Image(), { src: '/test/pictures/photo.png?slow' }); // still to be decoded
      const ended = [];
      const calls = [slow, blobs[1], blobs[0], blobs[1]].map(async (source, i) => {
        const predictions = await classifier.classify(source);
        ended.push(i);
        return predictions;
      });
      const got = await Promise.all(calls);
      check(same(got, [want[0], want[1], want[0], want[1]]), 'answers of other pictures');
      check(same(ended, [0, 1, 2, 3]), `ended in the order ${ended}`);
      check(classifier.timing.total >= classifier.timing.network, 'timing');
    });
  },

  async abort() {
    for (const worker of [true, false]) {
      await using({ ...small, worker }, async (classifier) => {
        const blob = await picture('photo.png');
        await rejects(classifier.classify(blob, { signal: AbortSignal.abort() }), 'aborted');
        const abort = new AbortController();
        const bitmap = await createImageBitmap(blob);
        const first = classifier.classify(blob);
        const queued = classifier.classify(blob, { signal: abort.signal });
        const moved = classifier.classify(bitmap, { signal: abort.signal });
        const last = classifier.classify(blob);
        abort.abort('changed my mind');
        check((await rejects(queued, 'aborted')).cause === 'changed my mind', 'the reason');
        await rejects(moved, 'aborted');
        check(same(await first, await last), 'other calls');

        // A picture that never comes keeps nobody waiting once its call is given up.
        const stalled = Object.assign(new Image(), { src: '/test/stalled.png' });
        const late = new AbortController();
        const never = classifier.classify(stalled, { signal: late.signal });
        const next = classifier.classify(blob);
        late.abort();
        await rejects(never, 'aborted');
        check(same(await next, await first), 'the call after one that was given up');
        const waiting = classifier.classify(stalled);
        classifier.dispose();
        await rejects(waiting, 'disposed');
        stalled.src = '';
      });
    }
  },

  async abortLoading() {
    for (const worker of [true, false]) {
      const abort = new AbortController();
      let progress;
      const loading = load({
        model: { weights: '/test/weights/small?as=slow', name: 'slow' }, worker, threads: 1,
        signal: abort.signal,
        onProgress: (p) => { progress = p; abort.abort(); },
      });
      await rejects(loading, 'aborted');
      const late = new AbortController(); // where there is nothing to download
      const weights = await (await fetch('/test/weights/small')).arrayBuffer();
      await rejects(load({ model: { weights, name: 'mine' }, worker, signal: late.signal, onProgress: () => late.abort() }), 'aborted');
      check(progress.phase === 'weights' && progress.loaded < progress.total, 'progress');
      await rejects(load({ model: 'small', signal: AbortSignal.abort(), worker }), 'aborted');
    }
  },

  async progress() {
    const steps = [];
    await using({ ...small, onProgress: (p) => steps.push(p) }, async (classifier) => {
      const { weightBytes } = classifier.info();
      check(steps.length >= 2 && steps.every((p, i) => p.total === weightBytes && (i === 0 || p.loaded >= steps[i - 1].loaded)), JSON.stringify(steps));
      check(same(steps.at(-1), { phase: 'prepare', loaded: weightBytes, total: weightBytes }), 'the last step');
    });
  },

  // What the caller's functions throw is an uncaught exception, and stops nothing.
  async callbacks() {
    const thrown = [];
    const note = (event) => {
      thrown.push(event.error);
      event.preventDefault();
    };
    addEventListener('error', note);
    const onProgress = () => { throw 'in onProgress'; };
    for (const worker of [true, false]) {
      await preload({ model: '/test/weights/small#.safetensors', worker, threads: 1, onProgress });
      thrown.length = 0;
      await using({ ...small, worker, onProgress }, (classifier) => classifier.memory());
      await pause(0);
      check(thrown.length && thrown.every((error) => error === 'in onProgress'), `thrown: ${thrown}`);
    }
    removeEventListener('error', note);
  },

  async outOfMemory() {
    const { instantiate } = WebAssembly;
    WebAssembly.instantiate = () => Promise.reject(new RangeError('could not allocate memory'));
    try {
      await rejects(load({ ...small, worker: false }), 'out-of-memory', /could not allocate memory/);
    } finally {
      WebAssembly.instantiate = instantiate;
    }
  },

  // The browser's cache has a file of another version.
  async staleWeights() {
    const [{ bytes, sha256 }] = (await models()).filter(({ name }) => name === 'small');
    for (const worker of [true, false]) {
      for (const as of ['stale', 'stalesize']) {
        const model = { weights: `/test/weights/small?as=${as}&${worker}`, bytes, sha256 };
        check(!(await fetch(model.weights)).headers.has('X-Fresh'), 'the cache has the right file');
        await using({ model, worker, threads: 1 }, (classifier) => classifier.memory());
        check((await fetch(model.weights)).headers.has('X-Fresh'), 'the cache has the wrong file');
      }
    }
    const model = { weights: '/test/weights/small?as=stale&preloaded', bytes, sha256 };
    await preload({ model, threads: 1 });
    await using({ model, threads: 1 }, (classifier) => classifier.memory());
  },

  async dispose() {
    for (const worker of [true, false]) {
      const blob = await picture('photo.png');
      const bitmap = await createImageBitmap(blob);
      const classifier = await load({ ...small, worker });
      const pending = [classifier.classify(blob), classifier.embed(blob), classifier.classify(bitmap)];
      classifier.dispose();
      classifier.dispose();
      for (const call of pending) await rejects(call, 'disposed');
      await rejects(classifier.classify(blob), 'disposed');
      await rejects(classifier.memory(), 'disposed');
    }
  },

  async badWeights() {
    const [entry] = (await models()).filter(({ name }) => name === 'small');
    const at = (as) => ({ weights: `/test/weights/small?as=${as}`, name: 'mine', bytes: entry.bytes, sha256: entry.sha256 });
    const unchecked = (as) => ({ weights: `/test/weights/small?as=${as}`, name: 'mine' });
    await rejects(load({ model: { weights: '/test/missing.safetensors', name: 'mine' } }), 'weights-http', /mine are missing: .*404/);
    await rejects(load({ model: '/test/html/small.safetensors' }), 'weights-http', /HTML page/);
    await rejects(load({ model: { weights: '/test/weights/small?as=refused', name: 'far' } }), 'weights-http', /far could not be reached/);
    await rejects(load({ model: at('flipped') }), 'weights-integrity', /damaged or of another version: their SHA-256/);
    await rejects(load({ model: at('truncated') }), 'weights-integrity', /shorter/);
    await rejects(load({ model: unchecked('truncated') }), 'weights-integrity', /shorter/);
    await rejects(load({ model: unchecked('longer') }), 'weights-integrity', /longer/);
    await rejects(load({ model: { ...at(''), bytes: 5 } }), 'weights-integrity', /bytes, 5 were expected/);
    await rejects(load({ model: unchecked('notanumber') }), 'weights-format', /classifier\.\d.*NaN/);
    await rejects(load({ model: { weights: new Blob(['hello, this is no model']) } }), 'weights-format');
    await rejects(load({ model: { weights: new Blob(['short']) } }), 'weights-integrity', /shorter/);
    const header = (text) => new Blob([new BigUint64Array([BigInt(text.length)]), text]);
    await rejects(load({ model: { weights: header('not JSON') } }), 'weights-format', /not JSON/);
    await rejects(load({ model: { weights: header('{}') } }), 'weights-format', /glance/);
    await rejects(load({ model: { weights: header('{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,99999999999]}}') } }), 'weights-format', /not valid/);
    await rejects(load({ model: 'nothing' }), 'model-unknown', /there are .*small/);
    await rejects(load({ model: 'small', urls: { manifest: '/test/missing.json' } }), 'manifest', /404/);
    await rejects(load({ model: 'small', urls: { manifest: '/test/html/models.json' } }), 'manifest');
    for (const worker of [true, false]) {
      await rejects(load({ model: at('flipped'), worker, backend: 'go' }), 'weights-integrity');
    }
  },

  async weightsAtHand({ native }) {
    const bytes = await (await fetch('/test/weights/small')).arrayBuffer();
    const blob = await picture('photo.png');
    for (const weights of [bytes, new Uint8Array(bytes), new Blob([bytes]), '/test/weights/small', new URL('/test/weights/small', location.href)]) {
      await using({ model: { weights, name: 'mine', title: 'My own' }, threads: 1 }, async (classifier) => {
        close(await classifier.classify(blob, all), native['photo.png'].small);
        const { model, title, labels } = classifier.info();
        check(model === 'mine' && title === 'My own' && labels.length === 7, 'info');
      });
    }
    check(bytes.byteLength > 0, 'the buffer was taken away');
  },

  async badOptions() {
    const wrong = [
      { backend: 'webgl' }, { threads: 0 }, { threads: 1.5 }, { threads: 1000 }, { model: { weights: 5 } }, { model: null }, { model: 5 },
      { baseURL: 'https://' }, { model: 'https://[/x.safetensors' }, { model: { weights: 'https://' } }, { urls: { engine: 'https://' } },
    ];
    for (const options of wrong) await rejects(load(options), 'bad-option').catch((error) => { throw new Error(`${JSON.stringify(options)}: ${error.message}`); });
    await rejects(load({ ...small, urls: { worker: 'https://elsewhere.test/worker.js' } }), 'unsupported', /https:\/\/elsewhere.test\/worker.js, only from the page's own origin/);
    await rejects(load({ model: 'small', urls: { manifest: '/test/nowhere.json' } }), 'manifest', /URL/);
  },

  async badSources() {
    await using(small, async (classifier) => {
      const closed = await createImageBitmap(await picture('photo.png'));
      closed.close();
      const broken = Object.assign(new Image(), { src: '/test/html/cat.jpg' });
      await broken.decode().catch(() => {});
      const closedFrame = new VideoFrame(await createImageBitmap(await picture('photo.png')), { timestamp: 0 });
      closedFrame.close();
      const sources = {
        undefined: [undefined, /not undefined/], null: [null, /not null/], string: ['cat.jpg', /not cat.jpg/], element: [document.body, /not HTMLBodyElement/],
        text: [new Blob(['no picture']), /could not be decoded/], empty: [new Blob([]), /could not be decoded/],
        canvas: [Object.assign(document.createElement('canvas'), { width: 0 }), /width or height is 0/],
        closed: [closed, /closed/], broken: [broken, /no picture|could not be decoded/], closedFrame: [closedFrame, /closed/],
      };
      for (const [name, [source, pattern]] of Object.entries(sources)) {
        await rejects(classifier.classify(source), 'bad-input', pattern).catch((error) => { throw new Error(`${name}: ${error.message}`); });
      }
      for (const topk of [0, -1, 1.5, NaN]) await rejects(classifier.classify(closed, { topk }), 'bad-option');
      check((await classifier.classify(await picture('photo.png'), { topk: 2 })).length === 2, 'it still works');
    });
  },

  async missingFiles({ native }) {
    await rejects(load({ ...small, urls: { engine: '/test/missing.wasm' } }), 'engine-http', /404/);
    await rejects(load({ ...small, urls: { engine: '/test/html/engine.wasm' } }), 'engine-http', /HTML page/);
    await rejects(load({ ...small, urls: { simd128: '/test/html/k.wasm' }, backend: 'simd128' }), 'engine-http', /HTML page/);
    await rejects(load({ ...small, urls: { worker: '/test/missing.js' } }), 'engine-http', /worker could not be started/);
    await rejects(load({ ...small, urls: { worker: '/test/html/worker.js' } }), 'engine-http');
    // A server that sends WebAssembly as text/plain is put up with.
    await using({ ...small, urls: { engine: '/test/plain/engine.wasm', simd128: '/test/plain/kernels/simd128.wasm' }, backend: 'simd128' }, async (classifier) => {
      close(await classifier.classify(await picture('photo.png'), all), native['photo.png'].small);
    });
    await using({ ...small, baseURL: '/test/copy' }, (classifier) => classifier.memory()); // another folder
  },

  async crash() {
    const classifier = await load({ ...small, urls: { worker: '/test/crash.js' } });
    const blob = await picture('photo.png');
    const calls = [classifier.classify(blob), classifier.memory()];
    for (const call of calls) await rejects(call, 'engine-crashed', /out of luck/);
    await rejects(classifier.classify(blob), 'engine-crashed');

    // The picture of a call that cannot be sent is closed.
    const bitmap = await createImageBitmap(blob);
    const { createImageBitmap: original } = globalThis;
    let taken;
    globalThis.createImageBitmap = async (...args) => (taken = await original(...args));
    await rejects(classifier.classify(bitmap), 'engine-crashed');
    globalThis.createImageBitmap = original;
    check(taken !== bitmap && taken.width === 0 && bitmap.width > 0, 'the picture is still open');
    classifier.dispose();
  },

  async trap() {
    for (const worker of [true, false]) {
      await rejects(load({ ...small, worker, backend: 'simd128', urls: { simd128: '/test/trap.wasm' } }), 'engine-crashed', /unreachable/);
    }
  },

  async sideBySide({ native }) {
    const loaded = await Promise.all(['small', 'wide', 'small'].map((model) => load({ model, threads: 1 })));
    const blob = await picture('photo.png');
    const answers = await Promise.all(loaded.map((classifier) => classifier.classify(blob, all)));
    close(answers[0], native['photo.png'].small);
    close(answers[1], native['photo.png'].wide);
    check(same(answers[0], answers[2]), 'the same model twice');
    loaded[0].dispose();
    close(await loaded[2].classify(blob, all), native['photo.png'].small);
    loaded.forEach((classifier) => classifier.dispose());
  },

  async noGlobals() {
    const before = Object.getOwnPropertyNames(globalThis);
    await using({ ...small, worker: false }, async (classifier) => classifier.classify(await picture('photo.png')));
    const left = Object.getOwnPropertyNames(globalThis).filter((name) => !before.includes(name));
    check(left.length === 0, `globals left: ${left}`);
  },

  async largePhoto() {
    const canvas = new OffscreenCanvas(4032, 3024);
    const context = canvas.getContext('2d');
    context.drawImage(await createImageBitmap(await picture('photo.png')), 0, 0, 4032, 3024);
    const photo = await canvas.convertToBlob({ type: 'image/jpeg' });
    await using(small, async (classifier) => {
      const before = (await classifier.memory()).kernels;
      const [best] = await classifier.classify(photo);
      const [want] = await classifier.classify(await picture('photo.png'));
      check(best.className === want.className && Math.abs(best.probability - want.probability) < 0.05, `${JSON.stringify(best)}, want ${JSON.stringify(want)}`);
      const grown = (await classifier.memory()).kernels - before;
      check(grown <= 8 << 20, `a photo of 12 megapixels took ${grown} bytes`);
    });
  },

  async steadyMemory() {
    await using({ model: 'small' }, async (classifier) => {
      const blobs = await Promise.all(['photo.png', 'other.png'].map(async (name) => createImageBitmap(await picture(name))));
      const round = async () => { for (let i = 0; i < 1500; i++) await classifier.classify(blobs[i % 2]); };
      await round();
      const before = await classifier.memory();
      await round();
      const after = await classifier.memory();
      check(after.kernels === before.kernels, `kernels: ${before.kernels} bytes before, ${after.kernels} after`);
      check(after.program - before.program <= 2 << 20, `program: ${before.program} bytes before, ${after.program} after`);
    });
  },

  async profile() {
    await using(small, async (classifier) => {
      const steps = await classifier.profile({ runs: 5 });
      check(steps.length > 3 && steps.every(({ name, milliseconds, macs }) => name && milliseconds >= 0 && macs >= 0), JSON.stringify(steps));
      check(steps.some(({ macs }) => macs > 1e5), 'multiply-accumulates');
    });
  },

  async hashes() {
    for (const length of [0, 1, 55, 56, 63, 64, 119, 120, 100003]) {
      const bytes = crypto.getRandomValues(new Uint8Array(Math.min(length, 65536)));
      const message = new Uint8Array(length).map((_, i) => bytes[i % 65536]);
      const want = new Uint8Array(await crypto.subtle.digest('SHA-256', message));
      check(same([...sha256(message)], [...want]), `${length} bytes`);
    }
  },

  // Run on an origin that is not secure: no crypto.subtle, no threads.
  async insecure({ native }) {
    check(!isSecureContext && !globalThis.crypto.subtle, 'this origin is secure');
    const [entry] = (await models()).filter(({ name }) => name === 'small');
    await using({ model: 'small' }, async (classifier) => {
      close(await classifier.classify(await createImageBitmap(await picture('photo.png')), all), native['photo.png'].small);
    });
    await rejects(load({ model: { weights: '/test/weights/small?as=flipped', sha256: entry.sha256 } }), 'weights-integrity', /SHA-256/);
  },
};
