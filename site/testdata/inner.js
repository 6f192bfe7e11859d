// A worker that runs the engine in its own thread.
import { load } from '/glance.js';

onmessage = async ({ data: { options, picture } }) => {
  try {
    const classifier = await load({ ...options, worker: false });
    const predictions = await classifier.classify(picture);
    for (let i = 0; i < 50 && classifier.info().threads < options.threads; i++) await new Promise((done) => setTimeout(done, 100));
    postMessage({ predictions, again: await classifier.classify(picture), threads: classifier.info().threads });
    classifier.dispose();
  } catch (error) {
    postMessage({ error: `${error.code}: ${error.message}` });
  }
};
