// Compiled, not run: the API as its users write it, and what the types must refuse.

import { createClassifier, load, models, preload, GlanceError, type Classifier, type ClassifyOptions, type ErrorCode, type LoadOptions, type Pixels, type Info, type ModelEntry, type Prediction } from '../../glance';

export async function everyCall(image: HTMLImageElement, frame: VideoFrame, file: File): Promise<Prediction[]> {
  const list: ModelEntry[] = await models({ baseURL: '/glance/' });
  const abort = new AbortController();
  const classifier: Classifier = await load({
    model: list[0].name,
    threads: 2,
    backend: 'auto',
    worker: true,
    signal: abort.signal,
    baseURL: new URL('/glance/', location.href),
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

export async function everyOption(bitmap: ImageBitmap, canvas: OffscreenCanvas, buffer: ArrayBuffer): Promise<void> {
  const options: LoadOptions = { labels: ['cat', 'dog'] as const, topk: 3, threshold: 0.1 };
  const nothing: void = await preload(options);
  const classifier = await createClassifier(options);
  const pixels: Pixels = { data: buffer, width: 2, height: 2 };
  const how: ClassifyOptions = { topk: 1, threshold: 0.5, transfer: true, signal: AbortSignal.timeout(1000) };
  for (const source of [bitmap, canvas, pixels, { ...pixels, data: new Uint8Array(16) }, { ...pixels, data: new Uint8ClampedArray(16) }]) {
    await classifier.classify(source, how);
  }
  const logits: Float32Array = await classifier.logits(bitmap, { transfer: true });
  await classifier.run(logits, { transfer: true });
  await classifier.memory({ signal: how.signal });
  await classifier.profile({ runs: 1, signal: how.signal });
  const labels: string[] | null = classifier.info().labels;
  console.log(nothing, labels);
}

export function exhaustive(error: GlanceError): string {
  const code: ErrorCode = error.code;
  switch (code) {
    case 'aborted': case 'disposed': return '';
    case 'unsupported': case 'out-of-memory': return 'this device';
    default: return code;
  }
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
  // @ts-expect-error labels are an array
  await load({ labels: 'cat' });
  // @ts-expect-error a threshold is a number
  await load({ threshold: '10 %' });
  // @ts-expect-error embed has no ranking
  await classifier.embed(new ImageData(1, 1), { topk: 3 });
  // @ts-expect-error pixels need their size
  await classifier.classify({ data: new ArrayBuffer(16) });
  // @ts-expect-error the timing is the classifier's to write
  classifier.timing = undefined;
  // @ts-expect-error no error has this code
  if (new GlanceError('aborted', '').code === 'nope') return;
  // @ts-expect-error preload gives no classifier
  (await preload()).classify(new ImageData(1, 1));
}
