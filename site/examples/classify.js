import { load } from '../glance.js';

export async function run({ image, print }) {
  const classifier = await load();
  for (const { className, probability } of await classifier.classify(image, { topk: 3 })) {
    print(`${className}: ${(100 * probability).toFixed(1)} %`);
  }
  const { title, backend, threads } = classifier.info();
  print(`${title}, ${backend}, threads: ${threads}, ${classifier.timing.network.toFixed(1)} ms`);
  classifier.dispose();
}
