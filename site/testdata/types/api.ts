// Compiled, not run: the API as its users write it, and what the types must refuse.

import { load, models, GlanceError, type Classifier, type Info, type ModelEntry, type Prediction } from '../../glance';

export async function everyCall(image: HTMLImageElement, frame: VideoFrame, file: File): Promise<Prediction[]> {
  const list: ModelEntry[] = await models({ baseURL: '/glance/' });
  const abort = new AbortController();
  const classifier: Classifier = await load({
    model: list[0].name,
    threads: 2,
    backend: 'auto',
    worker: true,
    signal: abort.signal,
    baseURL: new URL('https://example.org/glance/'),
    urls: { engine: '/engine.wasm', 'simd128-threads': '/kernels.wasm' },
    onProgress({ phase, loaded, total }) {
      const text: 'weights' | 'prepare' = phase;
      console.log(text, loaded / total);
    },
  });
  const info: Info = classifier.info();
  const embedding: Float32Array = await classifier.embed(frame, { signal: abort.signal });
  const logits: Float32Array = await classifier.run(new Float32Array(info.height * info.width * 3));
  const { kernels, program } = await classifier.memory();
  const steps = await classifier.profile({ runs: 5 });
  console.log(embedding.length, logits.length, kernels + program, steps[0].milliseconds, classifier.timing?.total);
  await classifier.classify(file);
  await classifier.classify(new OffscreenCanvas(1, 1), { topk: 1 });
  try {
    return await classifier.classify(image, { topk: 3 });
  } catch (error) {
    if (error instanceof GlanceError && error.code === 'aborted') return [];
    throw error;
  } finally {
    classifier.dispose();
  }
}

export async function everyModel(blob: Blob, bytes: ArrayBuffer): Promise<void> {
  await load();
  await load({ model: new URL('https://example.org/mine.safetensors') });
  await load({ model: { weights: './mine.safetensors', sha256: '00', bytes: 1, name: 'mine' } });
  await load({ model: { weights: blob } });
  await load({ model: { weights: bytes } });
}

export async function refused(classifier: Classifier): Promise<void> {
  // @ts-expect-error a URL is not a source: load it into an image first
  await classifier.classify('cat.jpg');
  // @ts-expect-error there is no such backend
  await load({ backend: 'webgl' });
  // @ts-expect-error run takes float32
  await classifier.run([1, 2, 3]);
  // @ts-expect-error there is no such file
  await load({ urls: { kernels: '/k.wasm' } });
  // @ts-expect-error no code of this name exists
  new GlanceError('nope', '');
}
