/**
 * An example as the page has it.
 *
 * @typedef {{time: number, embedding: Float32Array, thumbnail: Uint8Array, id: number, takenFor?: string}} TaughtExample
 *   id: the teacher's; takenFor: the class it was taken for while it was held back, where that was a wrong one
 */

/** @typedef {{name: string, examples: TaughtExample[]}} TaughtClass */

/** What was taught to one network: in memory, and in the store as far as that is possible. */
export class Taught {
  /** @type {TaughtClass[]} */
  classes = [];
  /** The trained head's file. @type {Uint8Array | undefined} */
  head;
  /** Whether the results show the taught classes. */
  live = false;
  /** Whether examples have changed since the training. */
  stale = false;
  #store;
  #problem;
  #last = 0;

  /**
   * @param {string} sha256 the network's
   * @param {import('./teach-store.js').TeachStore} store
   * @param {(error: Error) => void} problem called where something could not be kept
   */
  constructor(sha256, store, problem) {
    this.sha256 = sha256;
    this.#store = store;
    this.#problem = problem;
  }

  /** Takes what is kept, or begins with two classes. */
  async restore() {
    try {
      const { network, examples } = await this.#store.read(this.sha256);
      for (const name of network?.classes ?? []) this.classes.push({ name, examples: [] });
      for (const { className, time, embedding, thumbnail } of examples) {
        if (!this.find(className)) this.classes.push({ name: className, examples: [] });
        this.find(className)?.examples.push({ time, embedding, thumbnail, id: 0 });
      }
      if (network) ({ head: this.head, live: this.live, stale: this.stale } = network);
    } catch (error) {
      this.#problem(/** @type {Error} */ (error));
    }
    while (this.classes.length < 2) this.addClass();
  }

  /** @param {string} name */
  find(name) {
    return this.classes.find((one) => one.name === name);
  }

  get examples() {
    return this.classes.reduce((sum, { examples }) => sum + examples.length, 0);
  }

  /** Adds a class with a name that is free. */
  addClass() {
    let n = this.classes.length + 1;
    while (this.find(`Class ${n}`)) n++;
    const added = { name: `Class ${n}`, examples: [] };
    this.classes.push(added);
    return added;
  }

  /** @param {TaughtClass} removed */
  removeClass(removed) {
    this.classes = this.classes.filter((one) => one !== removed);
    if (removed.examples.length) this.stale = true;
    this.keep();
    this.#try(this.#store.removeExamples(this.sha256, removed.examples.map(({ time }) => time)));
  }

  /**
   * @param {TaughtClass} renamed
   * @param {string} to
   */
  rename(renamed, to) {
    this.#try(this.#store.renameClass(this.sha256, renamed.name, to));
    renamed.name = to;
    this.keep();
  }

  /**
   * @param {TaughtClass} of
   * @param {import('./teach').Example} example
   * @param {Uint8Array} thumbnail
   */
  addExample(of, { id, embedding }, thumbnail) {
    const time = (this.#last = Math.max(Date.now(), this.#last + 0.001)); // another one for each example
    of.examples.push({ time, embedding, thumbnail, id });
    if (!this.stale) {
      this.stale = true;
      this.keep();
    }
    this.#try(this.#store.writeExample({ sha256: this.sha256, time, className: of.name, embedding, thumbnail }));
  }

  /**
   * @param {TaughtClass} of
   * @param {TaughtExample} removed
   */
  removeExample(of, removed) {
    of.examples = of.examples.filter((one) => one !== removed);
    this.stale = true;
    this.keep();
    this.#try(this.#store.removeExamples(this.sha256, [removed.time]));
  }

  /** Keeps all but the examples. */
  keep() {
    const { sha256, head, live, stale } = this;
    this.#try(this.#store.writeNetwork({ sha256, classes: this.classes.map(({ name }) => name), head, live, stale }));
  }

  /** @param {Promise<void>} written */
  #try(written) {
    written.catch(this.#problem);
  }
}
