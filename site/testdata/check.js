// What the tests of the JavaScript API share.

import { GlanceError, load } from '/glance.js';

/** @param {boolean} ok @param {string} text */
export function check(ok, text) {
  if (!ok) throw new Error(text);
}

export async function rejects(promise, code, pattern = /./) {
  try {
    await promise;
  } catch (error) {
    check(error instanceof GlanceError, `not a GlanceError: ${error.stack}`);
    check(error.code === code, `code ${error.code}, want ${code}: ${error.message}`);
    check(pattern.test(error.message), `message ${JSON.stringify(error.message)}, want ${pattern}`);
    return error;
  }
  throw new Error(`resolved, want an error with code ${code}`);
}

/** Compares predictions, all classes, with the native engine's. */
export function close(predictions, answer, tolerance = 1e-3) {
  const sorted = answer.labels.map((className, i) => ({ className, probability: answer.probabilities[i] }))
    .sort((a, b) => b.probability - a.probability);
  check(predictions.length === sorted.length, `${predictions.length} predictions, want ${sorted.length}`);
  check(predictions[0].className === sorted[0].className, `top-1 ${predictions[0].className}, want ${sorted[0].className}`);
  for (const { className, probability } of predictions) {
    const want = sorted.find((s) => s.className === className).probability;
    check(Math.abs(probability - want) <= tolerance, `${className}: ${probability}, want ${want}`);
  }
}

export const picture = async (name) => (await fetch(`/test/pictures/${name}`)).blob();
export const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
export const pause = (ms) => new Promise((done) => setTimeout(done, ms));
export const small = { model: 'small', threads: 1 };
export const all = { topk: 100 };

/** Loads, hands over the classifier, disposes of it. */
export async function using(options, use) {
  const classifier = await load(options);
  try {
    return await use(classifier);
  } finally {
    classifier.dispose();
  }
}

export async function image(name) {
  const element = new Image();
  element.src = `/test/pictures/${name}`;
  await element.decode();
  return element;
}

export async function drawn(canvas, name) {
  const bitmap = await createImageBitmap(await picture(name));
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.getContext('2d').drawImage(bitmap, 0, 0);
  return canvas;
}
