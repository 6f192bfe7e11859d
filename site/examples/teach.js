import { load } from '../glance.js';
import { createTeacher } from '../teach.js';

export async function run({ print }) {
  const classifier = await load();
  const teacher = createTeacher(classifier);
  for (let i = 0; i < 6; i++) {
    await teacher.add('stripes', drawing(10 + 4 * i, 400));
    await teacher.add('squares', drawing(10 + 4 * i, 10 + 4 * i));
  }
  const { accuracy } = await teacher.train();
  print(`right on ${(100 * accuracy).toFixed(0)} % of the examples that were held back`);
  const [best] = await teacher.predict(drawing(20, 400));
  print(`a new drawing: ${best.className}, ${(100 * best.probability).toFixed(0)} %`);
  teacher.dispose();
  classifier.dispose();
}

/** A pattern of dark rectangles. */
function drawing(width, height) {
  const canvas = new OffscreenCanvas(224, 224);
  const context = canvas.getContext('2d');
  context.fillStyle = '#fff';
  context.fillRect(0, 0, 224, 224);
  context.fillStyle = '#234';
  for (let x = 0; x < 224; x += 2 * width) {
    for (let y = 0; y < 224; y += 2 * height) context.fillRect(x, y, width, height);
  }
  return canvas;
}
