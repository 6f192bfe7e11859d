import { load, models } from '../glance.js';

export async function run({ image, print }) {
  const [{ name, classes }] = await models();
  const classifier = await load({
    model: name,
    labels: Array.from({ length: classes }, (_, i) => `my class ${i}`),
    topk: 10,
    threshold: 0.1, // what is less likely is left out
  });
  const predictions = await classifier.classify(image);
  print(predictions.map(({ className }) => className).join(', ') || 'nothing reaches 10 %');
  classifier.dispose();
}
