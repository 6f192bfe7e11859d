import { load, preload } from '../glance.js';

export async function run({ print }) {
  const abort = new AbortController(); // abort.abort() ends the download, as a Cancel button would
  const options = {
    signal: abort.signal,
    onProgress: ({ phase, loaded, total }) => print(`${phase}: ${(100 * loaded / total).toFixed(0)} %`),
  };
  await preload(options); // code and weights, while the visitor still reads
  const start = performance.now();
  const classifier = await load(options);
  print(`ready ${(performance.now() - start).toFixed(0)} ms after the visitor asked for it`);
  classifier.dispose();
}
