import { createTeacher } from './teach.js';

/** @typedef {import('./teach-taught.js').TaughtClass} TaughtClass */
/** @typedef {{signal?: AbortSignal, onProgress?: (progress: import('./teach').TeachProgress) => void}} CallOptions */

/** A loaded network's teacher, together with what was taught to that network before and is kept. */
export class Lesson {
  /**
   * @param {import('./glance').Classifier} classifier
   * @param {import('./teach-taught.js').Taught} taught
   */
  constructor(classifier, taught) {
    this.teacher = createTeacher(classifier, { baseURL: new URL('.', import.meta.url) });
    this.taught = taught;
  }

  /** Hands the examples that are there to the teacher, and leaves out those it cannot use. */
  async begin() {
    for (const one of this.taught.classes) {
      const usable = [];
      for (const example of one.examples) {
        try {
          ({ id: example.id } = await this.teacher.add(one.name, example.embedding));
          usable.push(example);
        } catch {
          continue; // damaged where it was kept: the others are worth having
        }
      }
      one.examples = usable;
    }
  }

  /**
   * @param {TaughtClass} one
   * @param {import('./glance').Source} source
   * @param {Promise<Uint8Array>} thumbnail
   * @returns {Promise<boolean>} false where the class was removed meanwhile
   */
  async addExample(one, source, thumbnail) {
    const { teacher, taught } = this;
    const asked = one.name;
    let example = await teacher.add(asked, source);
    const jpeg = await thumbnail;
    if (!taught.classes.includes(one)) {
      teacher.remove(example.id);
      return false;
    }
    if (one.name !== asked) { // renamed meanwhile
      teacher.remove(example.id);
      example = await teacher.add(one.name, example.embedding);
    }
    taught.addExample(one, example, jpeg);
    return true;
  }

  /**
   * @param {TaughtClass} one
   * @param {import('./teach-taught.js').TaughtExample} example
   */
  removeExample(one, example) {
    this.teacher.remove(example.id);
    this.taught.removeExample(one, example);
  }

  /** @param {TaughtClass} one */
  removeClass(one) {
    this.teacher.remove(one.name);
    this.taught.removeClass(one);
  }

  /**
   * @param {TaughtClass} one
   * @param {string} to
   */
  async rename(one, to) {
    const { teacher, taught } = this;
    if (taught.find(to)) throw new Error(`There is a class ${to} already: choose another name.`);
    await teacher.rename(one.name, to);
    taught.rename(one, to);
    if (!teacher.head?.classes.includes(to)) return;
    taught.head = await teacher.save();
    taught.keep();
  }

  /** What has to be done before training, '' for nothing. */
  missing() {
    const { classes } = this.taught;
    if (classes.length < 2) return 'At least two classes are needed to tell anything apart: add another, such as one for the background.';
    const small = classes.find(({ examples }) => examples.length < 2);
    if (!small) return '';
    const has = ['no examples', 'one example'][small.examples.length];
    return `${small.name} has ${has}: at least 2 are needed and 10 are better. Collect more, or remove the class.`;
  }

  /** @param {CallOptions} options */
  async train(options) {
    const { teacher, taught } = this;
    const training = await teacher.train(options);
    const results = new Map(training.heldBack.map((one) => [one.id, one]));
    for (const { examples } of taught.classes) {
      for (const example of examples) {
        const result = results.get(example.id);
        example.takenFor = result && result.predicted !== result.className ? result.predicted : undefined;
      }
    }
    // Examples may have come or gone while it ran.
    const same = taught.examples === results.size && taught.classes.every(({ examples }) => examples.every(({ id }) => results.has(id)));
    await this.#take(!same);
    return training;
  }

  /**
   * Takes a head from a file. Where there are no examples, its classes become those
   * to collect examples of.
   *
   * @param {Blob} file
   * @param {CallOptions} options
   */
  async load(file, options) {
    const head = await this.teacher.load(file, options);
    if (!this.taught.examples) this.taught.classes = head.classes.map((name) => ({ name, examples: [] }));
    await this.#take(false);
    return head;
  }

  /**
   * Keeps the teacher's head.
   *
   * @param {boolean} stale
   */
  async #take(stale) {
    const { taught } = this;
    taught.head = await this.teacher.save();
    taught.stale = stale;
    taught.live = true;
    taught.keep();
  }
}
