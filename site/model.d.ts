import type { ModelWeights } from './glance.js';

/** A model of this package, for the `model` option of `load`. */
declare const model: ModelWeights & { name: string; title: string; bytes: number; sha256: string };
export default model;
