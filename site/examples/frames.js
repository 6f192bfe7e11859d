import { load } from '../glance.js';

export async function run({ image, print }) {
  const classifier = await load({ topk: 1 });

  // A bitmap that is given up moves to the worker without a copy, and is closed.
  const bitmap = await createImageBitmap(image);
  const [best] = await classifier.classify(bitmap, { transfer: true });
  print(`${best.className}; the bitmap is ${bitmap.width === 0 ? 'closed' : 'open'}`);

  // Raw pixels, red, green, blue and alpha, from wherever they come.
  const width = 64;
  const height = 64;
  const data = new Uint8ClampedArray(4 * width * height).fill(255);
  const [white] = await classifier.classify({ data, width, height }, { transfer: true });
  print(`a white picture: ${white.className}; the buffer has ${data.byteLength} bytes left`);
  classifier.dispose();
}
