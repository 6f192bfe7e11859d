/**
 * The interface of @tensorflow-models/mobilenet on this engine:
 *
 *     import * as mobilenet from './compat.js';
 *     const model = await mobilenet.load({ version: 2, alpha: 1.0 });
 *     const predictions = await model.classify(img);
 *
 * What differs is documented in compat.d.ts and README.md.
 */

import { GlanceError } from './errors.js';
import { createClassifier, models } from './glance.js';
import { refusal } from './source.js';

/** Width multipliers of each version, as the original has them. @type {Record<number, number[]>} */
const alphas = { 1: [0.25, 0.5, 0.75, 1], 2: [0.5, 0.75, 1] };

/**
 * @param {import('./compat').ModelConfig} [config]
 * @returns {Promise<MobileNet>}
 */
export async function load(config = {}) {
  if (typeof config !== 'object' || config === null) {
    throw new GlanceError('bad-option', 'load takes an object: load({ version: 1, alpha: 1.0 }).');
  }
  const { version = 1, alpha = 1, modelUrl, inputRange, ...options } = config;
  const model = modelUrl === undefined || modelUrl === null ? await hosted(version, alpha, options) : given(modelUrl);
  return new MobileNet(await createClassifier({ ...options, model }), options.worker === false);
}

/**
 * Finds a version of MobileNet among the models of the site.
 *
 * @param {number} version
 * @param {number} alpha
 * @param {import('./glance').LoadOptions} options
 * @returns {Promise<import('./glance').ModelWeights>}
 */
async function hosted(version, alpha, options) {
  if (!(version in alphas)) throw new GlanceError('bad-option', `version is ${version}, it must be 1 or 2.`);
  if (!alphas[version].includes(alpha)) {
    throw new GlanceError('bad-option', `alpha is ${alpha}, version ${version} has ${alphas[version].join(', ')}.`);
  }
  const name = `mobilenet_v${version}${alpha === 1 ? '' : `_${String(100 * alpha).padStart(3, '0')}`}`;
  const names = [`${name}_google`, name]; // the weights of the original first
  const list = await models(options);
  for (const wanted of names) {
    const entry = list.find((entry) => entry.name === wanted);
    if (entry) return { weights: entry.url, name: wanted, title: entry.title, bytes: entry.bytes, sha256: entry.sha256 };
  }
  throw new GlanceError('model-unknown',
    `MobileNetV${version} with alpha ${alpha} is not hosted here: the list of models has no ${names.join(' or ')} (it has ${list.map((entry) => entry.name).join(', ') || 'none'}). `
    + 'Have tools/fetch get it, or convert it with tools/quantize into weights/ under one of these names, and build the site again; or give modelUrl.');
}

/**
 * @param {import('./compat').ModelConfig['modelUrl'] & {}} modelUrl
 * @returns {import('./glance').ModelWeights}
 */
function given(modelUrl) {
  const url = typeof modelUrl === 'string' || modelUrl instanceof URL;
  if (url ? /\.json($|[?#])|\btfhub\.dev\//.test(String(modelUrl)) : !('weights' in modelUrl)) {
    throw new GlanceError('bad-option', 'modelUrl must lead to a .safetensors file of this engine, or be {weights}. '
      + 'A TensorFlow.js model is converted once: go run ./tools/quantize convert -in model.json -out mine.safetensors.');
  }
  return url ? { weights: modelUrl } : modelUrl;
}

/** A loaded model. */
class MobileNet {
  #classifier;
  #here;

  /**
   * @param {import('./glance').Classifier} classifier
   * @param {boolean} here whether the engine runs in this thread
   */
  constructor(classifier, here) {
    this.#classifier = classifier;
    this.#here = here;
  }

  /**
   * @param {import('./compat').Input} img
   * @param {number} [topk]
   * @returns {Promise<import('./glance').Prediction[]>}
   */
  async classify(img, topk = 3) {
    return this.#classifier.classify(isTensor(img) ? fromTensor(img) : img, { topk });
  }

  /**
   * @param {import('./compat').Input} img
   * @param {boolean} [embedding]
   */
  infer(img, embedding = false) {
    const { embedding: features, classes } = this.#classifier.info();
    const shape = [1, embedding ? features : classes];
    const source = isTensor(img) ? fromTensor(img) : img;
    if (this.#here) {
      const values = /** @type {any} */ (this.#classifier).now(embedding ? 'embedding' : 'output', pixelsNow(source));
      return new PendingTensor(shape, Promise.resolve(values), values);
    }
    return new PendingTensor(shape, embedding ? this.#classifier.embed(source) : this.#classifier.logits(source));
  }

  dispose() {
    this.#classifier.dispose();
  }
}

/** Values that are there, read as a tf.Tensor is. */
class Tensor {
  dtype = 'float32';
  isDisposed = false;
  /** @type {Float32Array | undefined} */
  #values;

  /**
   * @param {number[]} shape
   * @param {Float32Array} [values]
   */
  constructor(shape, values) {
    this.shape = shape;
    this.#values = values;
  }

  get rank() {
    return this.shape.length;
  }

  get size() {
    return this.shape.reduce((a, b) => a * b, 1);
  }

  /** @returns {Float32Array} */
  dataSync() {
    if (this.isDisposed) throw new GlanceError('disposed', 'The tensor has been disposed of.');
    if (!this.#values) {
      throw new GlanceError('unsupported', 'The values are not there yet, they come from a worker: await infer or its data() first, or load({ worker: false }).');
    }
    return this.#values;
  }

  /** @returns {Promise<Float32Array>} */
  async data() {
    return this.dataSync();
  }

  arraySync() {
    return nested(this.dataSync(), this.shape);
  }

  async array() {
    return nested(await this.data(), this.shape);
  }

  dispose() {
    this.isDisposed = true;
    this.#values = undefined;
  }

  /** @param {Float32Array} values */
  arrive(values) {
    if (!this.isDisposed) this.#values = values;
  }
}

/** A tensor whose values may still be computed by a worker; awaiting it gives one that has them. */
class PendingTensor extends Tensor {
  #answer;

  /**
   * @param {number[]} shape
   * @param {Promise<Float32Array>} answer
   * @param {Float32Array} [values] the answer, where it is there
   */
  constructor(shape, answer, values) {
    super(shape, values);
    this.#answer = answer.then((values) => this.arrive(values));
    this.#answer.catch(() => {}); // told to those who ask for the values
  }

  async data() {
    await this.#answer;
    return this.dataSync();
  }

  /**
   * @template T, E
   * @param {(tensor: Tensor) => T} [resolved]
   * @param {(error: any) => E} [rejected]
   */
  then(resolved, rejected) {
    return this.data().then((values) => new Tensor(this.shape, values)).then(resolved, rejected);
  }
}

/**
 * @param {Float32Array} values
 * @param {number[]} shape
 * @returns {any} arrays in arrays
 */
function nested(values, [length, ...rest]) {
  if (!rest.length) return Array.from(values);
  const step = values.length / length;
  return Array.from({ length }, (_, i) => nested(values.subarray(i * step, (i + 1) * step), rest));
}

/**
 * @param {any} value
 * @returns {value is import('./compat').TensorLike}
 */
function isTensor(value) {
  return Array.isArray(value?.shape) && typeof value.dataSync === 'function';
}

/**
 * @param {import('./compat').TensorLike} tensor [height, width, 3] or [1, height, width, 3], values from 0 to 255
 * @returns {import('./glance').Pixels}
 */
function fromTensor(tensor) {
  const shape = tensor.shape.length === 4 && tensor.shape[0] === 1 ? tensor.shape.slice(1) : tensor.shape;
  const [height, width, channels] = shape;
  if (shape.length !== 3 || channels !== 3) {
    throw new GlanceError('bad-input', `The tensor has shape [${tensor.shape}], a picture has [height, width, 3].`);
  }
  const values = tensor.dataSync();
  const data = new Uint8ClampedArray(4 * height * width);
  for (let i = 0, from = 0; i < data.length; i += 4, from += 3) {
    data[i] = values[from];
    data[i + 1] = values[from + 1];
    data[i + 2] = values[from + 2];
    data[i + 3] = 255;
  }
  return { data, width, height };
}

/**
 * Reads a picture without waiting for anything.
 *
 * @param {any} source
 * @returns {ImageData}
 */
function pixelsNow(source) {
  try {
    if (source instanceof ImageData) return source;
    if (source?.data instanceof Uint8ClampedArray) return new ImageData(source.data, source.width, source.height);
    const width = source?.naturalWidth ?? (source?.videoWidth || source?.displayWidth || source?.width);
    const height = source?.naturalHeight ?? (source?.videoHeight || source?.displayHeight || source?.height);
    if (!(width >= 1 && height >= 1)) {
      throw new GlanceError('bad-input', 'infer without a worker takes a picture that is there: a loaded img, a video that plays, a canvas, ImageData, ImageBitmap or a tensor.');
    }
    const context = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true }));
    context.drawImage(source, 0, 0, width, height);
    return context.getImageData(0, 0, width, height);
  } catch (cause) {
    throw refusal(cause);
  }
}
