export async function run({ image, print }) {
  const worker = new Worker(new URL('./worker-side.js', import.meta.url), { type: 'module' });
  const answer = new Promise((resolve, reject) => {
    worker.onmessage = ({ data: { predictions, error } }) => (error ? reject(new Error(error)) : resolve(predictions));
    worker.onerror = () => reject(new Error('The worker could not be started.'));
  });
  try {
    const bitmap = await createImageBitmap(image);
    worker.postMessage(bitmap, [bitmap]);
    for (const { className, probability } of await answer) print(`${className}: ${(100 * probability).toFixed(1)} %`);
  } finally {
    worker.terminate();
  }
}
