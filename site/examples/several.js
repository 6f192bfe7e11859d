import { load, models } from '../glance.js';

export async function run({ image, print }) {
  const list = (await models()).slice(0, 2);
  const loaded = await Promise.all(list.map(({ name }) => load({ model: name, topk: 1 })));
  const answers = await Promise.all(loaded.map((classifier) => classifier.classify(image)));
  answers.forEach(([best], i) => print(`${list[i].title}: ${best.className}`));
  loaded.forEach((classifier) => classifier.dispose()); // each by itself: the others go on
}
