import { load } from '../glance.js';

export async function run({ image, print }) {
  const classifier = await load();
  const mine = await classifier.embed(image);
  for (const name of ['alp', 'seashore', 'oranges', 'espresso']) {
    const picture = await (await fetch(`samples/${name}.jpg`)).blob();
    const theirs = await classifier.embed(picture);
    print(`${name}: ${cosine(mine, theirs).toFixed(2)}`);
  }
  classifier.dispose();
}

/** How alike two embeddings are: 1 for the same, about 0 for nothing in common. */
function cosine(a, b) {
  const dot = (x, y) => x.reduce((sum, value, i) => sum + value * y[i], 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}
