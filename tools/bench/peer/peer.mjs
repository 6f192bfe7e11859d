// Glance as an engine of the peer harness. Its folder is the built site
// (go run ./tools/site) with this file and NAME.safetensors for each network. The
// engine runs in the harness's own worker, as the others do, and starts its helper
// threads from there.

import { load as open } from './glance.js';

export const name = 'Glance';
export const layout = 'NHWC';

/** @type {import('../../../site/glance').Classifier} */
let classifier;

/** @param {string} model @param {number} threads */
export async function load(model, threads) {
  classifier = await open({ model: new URL(`./${model}.safetensors`, import.meta.url), threads, worker: false });
}

/** @param {Float32Array} input [224][224][3], normalised; copied once, as by the other engines */
export function run(input) {
  return classifier.run(input, { transfer: true }); // within one thread it stays whole
}

export function info() {
  const { backend, threads } = classifier.info();
  return { backend, threads };
}
