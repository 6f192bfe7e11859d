import type { Classifier, Prediction, Source } from './glance.js';

/** What else can go wrong in teaching. */
export type TeachErrorCode =
  /** A class name that is blank, taken, longer than 100 bytes or has control characters. */
  | 'bad-class'
  /** Fewer than two classes. */
  | 'too-few-classes'
  /** More than 256 classes. */
  | 'too-many-classes'
  /** A class with fewer than two examples. */
  | 'too-few-examples'
  /** More examples than can be trained on: 2^23 values in all, 6553 embeddings of 1280. */
  | 'too-many-examples'
  /** An embedding of another length than the network's. */
  | 'bad-length'
  /** An embedding with NaN or infinity. */
  | 'not-finite'
  /** All examples are the same. */
  | 'no-variation'
  /** Training found no minimum. */
  | 'diverged'
  /** The network's name does not fit a head's file. */
  | 'bad-base'
  /** There is no head yet: train, or load one. */
  | 'not-taught'
  /** The head is for another network, whose Base is the error's cause. */
  | 'wrong-network'
  /** The file is no head, or damaged. */
  | 'head-format'
  /** The file was written by a later version. */
  | 'head-version';

/** The network that embeddings come from. */
export interface Base {
  name: string;
  /** SHA-256 of its weight file, 64 lower-case hexadecimal digits. */
  sha256: string;
}

export interface TeacherOptions {
  /** The classifier's network. Needed where `info().sha256` is not known. */
  base?: Base;
  /** Folder that holds this package's files. Default: where this module is. */
  baseURL?: string | URL;
  /** URLs of single files, before `baseURL`: teach.wasm and teach-worker.js. */
  urls?: { module?: string | URL; worker?: string | URL };
}

/** A picture's embedding under the name of its class. */
export interface Example {
  /** Names the example in calls of this teacher. */
  readonly id: number;
  readonly className: string;
  readonly embedding: Float32Array;
}

/** A trained classifier of embeddings. */
export interface Head {
  readonly classes: readonly string[];
  /** Length of an embedding. */
  readonly features: number;
  readonly base: Base;
  /** On examples that were held back in training, 0 to 1. */
  readonly accuracy: number;
  /** How many held-back examples of each class (row) were taken for which class (column). */
  readonly confusion: readonly (readonly number[])[];
  /** Below this probability "none of these" is a sensible answer: 95 % of the right ones reached it. */
  readonly threshold: number;
}

/** What a training came to: the head, and each example's result while it was held back. */
export interface Training extends Head {
  readonly heldBack: readonly {
    readonly id: number;
    readonly className: string;
    readonly predicted: string;
    readonly probability: number;
  }[];
}

export interface TeachProgress {
  /** 'module' while the training module arrives, in bytes; 'train' during training, where total is 1. */
  phase: 'module' | 'train';
  loaded: number;
  /** 0 while it is not known. */
  total: number;
}

interface Call {
  /** Aborts the call: it rejects with 'aborted' at once. */
  signal?: AbortSignal;
  onProgress?: (progress: TeachProgress) => void;
}

/** Teaches classes to a network by examples. Errors are GlanceErrors. */
export interface Teacher {
  readonly base: Base;
  /** What was trained or loaded last. */
  readonly head: Head | undefined;
  /** Fetches and starts the training module, which any call that needs it does as well. */
  prepare(options?: Call): Promise<void>;
  /** Adds an example: a picture, or an embedding of one. Classes arise with their first example. */
  add(className: string, source: Source | Float32Array, options?: { signal?: AbortSignal }): Promise<Example>;
  /** Removes an example by its id, or a class with all of its examples by its name. False where there is none. */
  remove(what: number | string): boolean;
  /** Gives a class another name, in the head too. Where there is no such class, nothing happens. */
  rename(className: string, to: string): Promise<void>;
  /** The number of examples of each class. */
  counts(): Map<string, number>;
  /** Trains a head on the examples, in the order they were added. Needs two classes with two examples each. */
  train(options?: Call): Promise<Training>;
  /** The probabilities of the head's classes, the most probable first. */
  predict(source: Source | Float32Array, options?: { signal?: AbortSignal }): Promise<Prediction[]>;
  /** The head as a file. */
  save(): Promise<Uint8Array>;
  /** Takes a head from such a file. */
  load(file: Uint8Array | ArrayBuffer | Blob, options?: Call): Promise<Head>;
  /** Forgets everything and ends the training module. The classifier stays. */
  dispose(): void;
}

/** Makes a teacher for a loaded model. It computes in a worker of its own, started on first use. */
export function createTeacher(classifier: Classifier, options?: TeacherOptions): Teacher;
