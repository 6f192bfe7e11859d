import { load } from '../glance.js';

const loading = load({ topk: 3 });

onmessage = async ({ data: bitmap }) => {
  const classifier = await loading;
  postMessage(await classifier.classify(bitmap, { transfer: true }));
};
