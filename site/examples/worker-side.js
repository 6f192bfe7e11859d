import { load } from '../glance.js';

const loading = load({ topk: 3 });
loading.catch(() => {}); // told to those who ask

onmessage = async ({ data: bitmap }) => {
  try {
    const classifier = await loading;
    postMessage({ predictions: await classifier.classify(bitmap, { transfer: true }) });
  } catch ({ code, message }) {
    postMessage({ error: `${code}: ${message}` });
  }
};
