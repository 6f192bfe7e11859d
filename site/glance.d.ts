import type { TeachErrorCode } from './teach.js';

/** What went wrong, for code; the error's message says it for people. */
export type ErrorCode =
  /** This browser, page or thread cannot do what was asked. */
  | 'unsupported'
  /** An option has a value that is not allowed. */
  | 'bad-option'
  /** The picture or input cannot be used: empty, damaged, of the wrong size, or from another site. */
  | 'bad-input'
  /** models.json has no such model. */
  | 'model-unknown'
  /** models.json could not be read. */
  | 'manifest'
  /** A file of the engine is missing, unreachable or not what it should be. */
  | 'engine-http'
  /** A file of the engine differs from the one this package was built with. */
  | 'engine-integrity'
  /** The engine has stopped; load another one. */
  | 'engine-crashed'
  /** The weights are missing, unreachable, or an HTML page came instead. */
  | 'weights-http'
  /** The weights differ from those the site was built with: another hash, or cut short. */
  | 'weights-integrity'
  /** The weights are not a file that the engine understands. */
  | 'weights-format'
  | 'out-of-memory'
  /** The browser does not keep what it was asked to keep: its storage is full or switched off. */
  | 'storage'
  /** A helper thread stopped answering. */
  | 'helper-failed'
  /** The call's AbortSignal was triggered; `cause` is its reason. */
  | 'aborted'
  /** The classifier was disposed of. */
  | 'disposed'
  | TeachErrorCode;

/** Every error this package throws or rejects with. */
export class GlanceError extends Error {
  constructor(code: ErrorCode, message: string, cause?: unknown);
  readonly code: ErrorCode;
  readonly name: 'GlanceError';
}

/** 'simd128' and 'relaxed' are WebAssembly SIMD; 'go' is the slow path for browsers without it. */
export type Backend = 'simd128' | 'relaxed' | 'go';

/** The files that are not JavaScript, and the two worker scripts. */
export type Asset =
  | 'manifest'
  | 'worker'
  | 'helper'
  | 'engine'
  | 'twin'
  | 'simd128'
  | 'relaxed'
  | 'simd128-threads'
  | 'relaxed-threads';

export interface AssetOptions {
  /** Folder that holds this package's files. Default: where this module is. */
  baseURL?: string | URL;
  /** URLs of single files, before `baseURL`. */
  urls?: Partial<Record<Asset, string | URL>>;
}

/** Weights that are not in models.json. */
export interface ModelWeights {
  /** A URL, or the bytes of a .safetensors file. */
  weights: string | URL | ArrayBuffer | Uint8Array | Blob;
  /** Name for info and messages. */
  name?: string;
  title?: string;
  /** Size of the file, checked where given. */
  bytes?: number;
  /** SHA-256 of the file in hexadecimal, checked where given. */
  sha256?: string;
}

export interface Progress {
  /** 'weights' while they arrive, 'prepare' while they are packed for the kernels. */
  phase: 'weights' | 'prepare';
  /** Bytes. */
  loaded: number;
  /** Bytes; 0 while it is not known. */
  total: number;
}

/** Which predictions are returned. */
export interface RankingOptions {
  /** At most this many of the most probable classes. Default 5. */
  topk?: number;
  /** None below this probability, 0 to 1. Default 0. */
  threshold?: number;
}

export interface LoadOptions extends AssetOptions, RankingOptions {
  /**
   * A name in models.json, a URL (a string with a slash in it or ending in
   * .safetensors), or weights at hand. Default: the first of models.json.
   */
  model?: string | URL | ModelWeights;
  /** Names of the classes in the order of the outputs, in place of the model's own. */
  labels?: readonly string[];
  /**
   * Threads to run on, 1 to 32. Default: as many as the CPU has, up to 4. More
   * than one needs a page that is cross-origin isolated; elsewhere it is one.
   */
  threads?: number;
  /** Default 'auto': the fastest of those that work here. */
  backend?: 'auto' | Backend;
  /** false runs the engine in the calling thread, for use inside a worker. Default true. */
  worker?: boolean;
  /** Aborts loading. */
  signal?: AbortSignal;
  onProgress?: (progress: Progress) => void;
  /**
   * Keeps the weights in the browser's cache storage, by their hash, and takes them
   * from there the next time, also without a network. For models with a `sha256`.
   * Default false.
   */
  keep?: boolean;
  /** Called when new weights have been kept, or with the error that says why they were not; the classifier works either way. */
  onKept?: (error?: GlanceError) => void;
}

/** A model whose weights are kept in the browser. */
export interface KeptModel {
  name: string;
  title: string;
  bytes: number;
  sha256: string;
}

/** An entry of models.json. */
export interface ModelEntry {
  name: string;
  title: string;
  /** Absolute URL of the weights. */
  url: string;
  /** Size of the weights. */
  bytes: number;
  sha256: string;
  /** Identifier of the SPDX licence list. */
  licence?: string;
  /** Absolute URL of the licence's text. */
  licenceURL?: string;
  /** Where the weights come from. */
  source?: string;
  /** Number of outputs. */
  classes: number;
  /** In per cent, of this blob or as published; `by` says by whom. */
  accuracy?: { dataset: string; top1: number; top5?: number; by: string };
}

/** Raw pixels: rows from the top, four bytes a pixel (red, green, blue, alpha). */
export interface Pixels {
  /** `4 * width * height` bytes. */
  data: ArrayBuffer | Uint8Array | Uint8ClampedArray;
  width: number;
  height: number;
}

/**
 * Something to classify. It is read at the time of the call and stays the caller's, unless given up with `transfer`;
 * an image element that still loads is read when it is there.
 */
export type Source =
  | HTMLImageElement
  | HTMLVideoElement
  | HTMLCanvasElement
  | OffscreenCanvas
  | ImageBitmap
  | ImageData
  | VideoFrame
  | Blob
  | Pixels;

export interface CallOptions {
  /**
   * Gives the source up, so that nothing is copied. In any outcome an ImageBitmap or
   * VideoFrame is closed and an OffscreenCanvas may be blank afterwards; the
   * buffer of an ImageData, of Pixels or of run's input may be detached. Other
   * sources are not affected. Default false: the source stays as it is.
   */
  transfer?: boolean;
  /** Aborts the call: it rejects with 'aborted' at once. */
  signal?: AbortSignal;
}

/** `topk` and `threshold` go before those given to load. */
export interface ClassifyOptions extends CallOptions, RankingOptions {}

/** As @tensorflow-models/mobilenet returns it. */
export interface Prediction {
  /** The class's label; its index in decimal where the model has no labels. */
  className: string;
  /** 0 to 1. */
  probability: number;
}

export interface Info {
  model: string;
  title: string;
  /** Height and width of the network's input in pixels. */
  height: number;
  width: number;
  /** Number of outputs. */
  classes: number;
  /** Number of values in an embedding. */
  embedding: number;
  labels: string[] | null;
  /** Size of the weight file in bytes. */
  weightBytes: number;
  /** SHA-256 of the weight file in hexadecimal, where it is known: from models.json or the given weights. */
  sha256?: string;
  backend: Backend;
  /** Threads that run now: one at first, more as helpers start, never more than asked for. */
  threads: number;
}

/** Milliseconds. */
export interface Timing {
  /** Reading the picture, resizing and normalising it. */
  pixels: number;
  /** Running the network. */
  network: number;
  /** From call to answer. */
  total: number;
}

/** Bytes. */
export interface Memory {
  /** The kernels' memory: weights, activations, pixels. */
  kernels: number;
  /** The Go program's memory. */
  program: number;
}

export interface ProfileStep {
  /** Layers that this step runs. */
  name: string;
  /** Median milliseconds. */
  milliseconds: number;
  /** Multiply-accumulates. */
  macs: number;
}

/** A loaded model. Calls are answered in the order they were made. */
export interface Classifier {
  /** The most probable classes, the most probable first. */
  classify(source: Source, options?: ClassifyOptions): Promise<Prediction[]>;
  /** The pooled features before the classifier: `info().embedding` values. */
  embed(source: Source, options?: CallOptions): Promise<Float32Array>;
  /** The output before softmax: `info().classes` values. */
  logits(source: Source, options?: CallOptions): Promise<Float32Array>;
  /** The output before softmax for a normalised input [height][width][3]. */
  run(input: Float32Array, options?: CallOptions): Promise<Float32Array>;
  info(): Info;
  /** Times of the last classify, embed, logits or run that was answered. */
  readonly timing: Timing | undefined;
  memory(options?: { signal?: AbortSignal }): Promise<Memory>;
  /** Where the network's time goes, step by step, over some runs (default 20). */
  profile(options?: { runs?: number; signal?: AbortSignal }): Promise<ProfileStep[]>;
  /** Ends the engine; calls that are not answered yet reject with 'disposed'. */
  dispose(): void;
}

/** Loads a model and starts an engine for it. */
export function load(options?: LoadOptions): Promise<Classifier>;

/** The same as load, for code whose `load` is another. */
export const createClassifier: typeof load;

/**
 * Fetches and compiles what `load` needs for the same options, and starts nothing:
 * the next `load` of the model fetches no code and no weights. The weights wait in
 * memory until then.
 */
export function preload(options?: LoadOptions): Promise<void>;

/** Lists the models that `keep` has kept in this browser, of all pages of this origin. */
export function keptModels(): Promise<KeptModel[]>;

/** Deletes the weights of a model that is kept; whether they were there. */
export function dropKept(sha256: string): Promise<boolean>;

/** Lists the models of models.json. */
export function models(options?: AssetOptions & { signal?: AbortSignal }): Promise<ModelEntry[]>;
