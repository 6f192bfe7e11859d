import type { LoadOptions, ModelWeights, Prediction, Source } from './glance.js';

export type MobileNetVersion = 1 | 2;
export type MobileNetAlpha = 0.25 | 0.5 | 0.75 | 1.0;

/**
 * As @tensorflow-models/mobilenet has it, and the options of this package's own
 * load beside them.
 */
export interface ModelConfig extends Omit<LoadOptions, 'model' | 'topk' | 'threshold' | 'labels'> {
  /** Default 1. */
  version?: MobileNetVersion;
  /** Width multiplier; 0.25 exists for version 1 only. Default 1.0. */
  alpha?: MobileNetAlpha;
  /**
   * A .safetensors file of this engine, in place of version and alpha. A model.json
   * of TensorFlow.js has to be converted first (tools/quantize).
   */
  modelUrl?: string | URL | ModelWeights;
  /** Not used: the file says how its network wants its pixels. */
  inputRange?: [number, number];
  /**
   * false runs the network in the calling thread, as the original does: `infer`
   * then has its values at once. Default true.
   */
  worker?: boolean;
}

/** What a tf.Tensor of an image and the results of infer have in common. */
export interface TensorLike {
  readonly shape: number[];
  dataSync(): ArrayLike<number>;
}

/** An image, or a tensor [height, width, 3] with values from 0 to 255. */
export type Input = Source | TensorLike;

/** Values that are read like those of a tf.Tensor2D, without its operations. */
export interface Tensor {
  /** [1, length] */
  readonly shape: number[];
  readonly rank: number;
  readonly size: number;
  readonly dtype: string;
  readonly isDisposed: boolean;
  data(): Promise<Float32Array>;
  /** Throws a GlanceError 'unsupported' while a worker has not answered yet. */
  dataSync(): Float32Array;
  array(): Promise<number[][]>;
  /** Throws as dataSync does. */
  arraySync(): number[][];
  dispose(): void;
}

export interface MobileNet {
  /** The `topk` (default 3) most probable classes, the most probable first. */
  classify(img: Input, topk?: number): Promise<Prediction[]>;
  /**
   * The logits, or with `embedding` the pooled features. The values come from a
   * worker: await the tensor or its data(). With `load({ worker: false })` they are
   * there when infer returns.
   */
  infer(img: Input, embedding?: boolean): Tensor & PromiseLike<Tensor>;
  /** Ends the engine. */
  dispose(): void;
}

/** Loads a model; with no options MobileNetV1 with alpha 1.0. */
export function load(config?: ModelConfig): Promise<MobileNet>;
