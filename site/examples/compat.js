import * as mobilenet from '../compat.js'; // was '@tensorflow-models/mobilenet'
import { models } from '../glance.js';

export async function run({ image, print }) {
  // mobilenet.load({ version: 1, alpha: 1.0 }) where that model is hosted; else any of ours:
  const [{ url }] = await models();
  const model = await mobilenet.load({ modelUrl: url });
  for (const { className, probability } of await model.classify(image)) {
    print(`${className}: ${(100 * probability).toFixed(1)} %`);
  }
  const embedding = await model.infer(image, true);
  print(`embedding: ${embedding.shape.join(' x ')}, first value ${embedding.dataSync()[0].toFixed(3)}`);
  embedding.dispose();
  model.dispose();
}
