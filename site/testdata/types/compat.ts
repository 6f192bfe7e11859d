// Compiled, not run: code for @tensorflow-models/mobilenet with the import changed,
// and what the types must refuse.

import * as mobilenet from '../../compat';
import type { Prediction } from '../../glance';

export async function asBefore(img: HTMLImageElement | HTMLVideoElement | HTMLCanvasElement | ImageData): Promise<string> {
  const model: mobilenet.MobileNet = await mobilenet.load();
  const predictions: Array<{ className: string; probability: number }> = await model.classify(img);
  const best: Prediction[] = await model.classify(img, 1);
  const logits: number = (await model.infer(img)).dataSync()[0];
  return predictions[0].className + best[0].probability + logits;
}

export async function everyOption(blob: Blob, tensor: { shape: number[]; dataSync(): Int32Array }): Promise<void> {
  const version: mobilenet.MobileNetVersion = 2;
  const alpha: mobilenet.MobileNetAlpha = 0.5;
  const model = await mobilenet.load({ version, alpha, inputRange: [0, 1], threads: 2, worker: false, baseURL: '/glance/' });
  const features = model.infer(tensor, true);
  const values: Float32Array = features.dataSync();
  const nested: number[][] = await features.array();
  console.log(features.shape, features.rank, features.size, features.dtype, features.isDisposed, values, nested, await features.data(), features.arraySync());
  features.dispose();
  model.dispose();
  await mobilenet.load({ modelUrl: 'mine.safetensors', onProgress: ({ loaded }) => console.log(loaded) });
  await mobilenet.load({ modelUrl: { weights: blob } });
}

export async function refused(model: mobilenet.MobileNet, img: HTMLImageElement): Promise<void> {
  // @ts-expect-error there is no MobileNetV3 in the original
  await mobilenet.load({ version: 3 });
  // @ts-expect-error nor this width
  await mobilenet.load({ alpha: 1.4 });
  // @ts-expect-error a model is named by version and alpha, or given as modelUrl
  await mobilenet.load({ model: 'mobilenet_v2' });
  // @ts-expect-error topk is a number, not an object
  await model.classify(img, { topk: 3 });
  // @ts-expect-error a URL is not a picture
  model.infer('cat.jpg');
}
