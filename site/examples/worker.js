export async function run({ image, print }) {
  const worker = new Worker(new URL('./worker-side.js', import.meta.url), { type: 'module' });
  const answer = new Promise((resolve) => { worker.onmessage = ({ data }) => resolve(data); });
  const bitmap = await createImageBitmap(image);
  worker.postMessage(bitmap, [bitmap]);
  for (const { className, probability } of await answer) print(`${className}: ${(100 * probability).toFixed(1)} %`);
  worker.terminate();
}
