import { ClassCard } from './teach-class.js';
import { counted, element } from './teach-elements.js';
import { Lesson } from './teach-lesson.js';
import { decode, thumbnail } from './teach-picture.js';
import { percent } from './teach-report.js';
import { TeachStore } from './teach-store.js';
import { Taught } from './teach-taught.js';
import { SectionView } from './teach-view.js';

/** @typedef {import('./teach-taught.js').TaughtClass} TaughtClass */
/** @typedef {(source: import('./glance').Source) => Promise<import('./glance').Prediction[]>} Predict */

/**
 * @callback Use
 * @param {Predict | undefined} predict
 * @param {number} threshold the probability below which the most probable class is none of them
 */

/** Results that the page shows at most. */
const bars = 5;

// Nothing is shown without its style.
await new Promise((loaded) => {
  const style = element('link', { rel: 'stylesheet', href: new URL('./teach.css', import.meta.url).href });
  style.onload = style.onerror = loaded;
  document.head.append(style);
});

/**
 * Fills the page's section "Teach your own classes".
 *
 * @param {Use} use shows the results of a function in place of the model's own
 * @param {{set: (name: string, value: string) => void}} kept remembers a choice for the next visit
 */
export function openTeaching(use, kept) {
  return new Section(use, kept);
}

class Section {
  #use;
  #kept;
  #view;
  #store = new TeachStore();
  /** By the SHA-256 of their networks. @type {Map<string, Taught>} */
  #known = new Map();
  /** @type {Map<TaughtClass, ClassCard>} */
  #cards = new Map();
  /** @type {import('./glance').Classifier | undefined} */
  #classifier;
  /** @type {Lesson | undefined} */
  #lesson;
  /** Aborts the training that runs. @type {AbortController | undefined} */
  #training;
  #details = /** @type {HTMLDetailsElement} */ (document.getElementById('teach-details'));
  #video = /** @type {HTMLVideoElement} */ (document.getElementById('video'));

  /**
   * @param {Use} use
   * @param {{set: (name: string, value: string) => void}} kept
   */
  constructor(use, kept) {
    this.#use = use;
    this.#kept = kept;
    this.#view = new SectionView({
      startCamera: () => this.#startCamera(),
      addClass: () => this.#addClass(),
      train: () => (this.#training ? this.#training.abort() : this.#train()),
      setLive: (on) => this.#setLive(on),
      save: () => this.#save(),
      load: (file) => this.#load(file),
      deleteAll: () => this.#deleteAll(),
    });
    this.#details.append(this.#view.whole);
    const mirror = () => this.#view.mirror(this.#video, this.#details.open);
    for (const type of ['loadedmetadata', 'playing', 'emptied']) this.#video.addEventListener(type, mirror);
    this.#details.addEventListener('toggle', () => {
      mirror();
      this.#remember();
    });
    mirror();
    this.#remember();
  }

  /**
   * Goes over to another classifier, or to waiting for one.
   *
   * @param {import('./glance').Classifier | undefined} classifier
   */
  async network(classifier) {
    this.#classifier = classifier;
    this.#training?.abort();
    this.#lesson?.teacher.dispose();
    this.#lesson = undefined;
    this.#showHead();
    this.#view.whole.setAttribute('aria-busy', 'true');
    this.#view.say(classifier ? '' : 'Waiting for the model.');
    this.#view.complain('');
    if (!classifier) return;
    const { sha256 } = classifier.info();
    if (!sha256) {
      this.#view.complain('Nothing can be taught to this model: its weights have no known hash, which a head has to name.');
      return;
    }
    let taught = this.#known.get(sha256);
    if (!taught) {
      taught = new Taught(sha256, this.#store, (error) => this.#cannotKeep(error));
      await taught.restore();
      this.#known.set(sha256, taught);
    }
    if (this.#classifier !== classifier) return;
    const lesson = (this.#lesson = new Lesson(classifier, taught));
    await lesson.begin();
    if (this.#lesson !== lesson) return;
    this.#showClasses();
    this.#showHead();
    this.#view.whole.setAttribute('aria-busy', 'false');
    if (taught.head) await this.#restoreHead(lesson, taught.head);
  }

  /**
   * @param {Lesson} lesson
   * @param {Uint8Array} file
   */
  async #restoreHead(lesson, file) {
    try {
      await lesson.teacher.load(file, { onProgress: (progress) => this.#stage(progress) });
    } catch (error) {
      this.#complain(error, lesson);
    }
    if (this.#lesson !== lesson) return;
    this.#view.stage('');
    if (lesson.taught.live && lesson.teacher.head) this.#setLive(true);
    else this.#showHead();
  }

  /** Shows the cards of the classes, keeping those that are there. */
  #showClasses() {
    const classes = this.#lesson?.taught.classes ?? [];
    for (const [one, card] of this.#cards) {
      if (classes.includes(one)) continue;
      card.dispose();
      card.whole.remove();
      this.#cards.delete(one);
    }
    for (const one of classes) {
      let card = this.#cards.get(one);
      if (!card) this.#cards.set(one, (card = this.#card(one)));
      card.update();
      if (!card.whole.isConnected) this.#view.classes.append(card.whole);
    }
  }

  /** @param {TaughtClass} one */
  #card(one) {
    return new ClassCard(one, {
      rename: (to) => this.#rename(one, to),
      remove: () => this.#removeClass(one),
      removeExample: (example) => {
        this.#lesson?.removeExample(one, example);
        this.#showHead();
      },
      mayCollect: () => this.#mayCollect(),
      collect: async () => await this.#addExample(one, this.#video, thumbnail(this.#video)) && Boolean(this.#video.srcObject),
      addFiles: (files) => this.#addFiles(one, files),
      say: (text) => this.#view.say(text),
    });
  }

  #addClass() {
    if (!this.#lesson) return;
    const added = this.#lesson.taught.addClass();
    this.#lesson.taught.keep();
    this.#showClasses();
    const field = this.#cards.get(added)?.name;
    field?.focus();
    field?.select();
  }

  /** @param {TaughtClass} one */
  #removeClass(one) {
    if (!this.#lesson) return;
    const { taught } = this.#lesson;
    const at = taught.classes.indexOf(one);
    this.#lesson.removeClass(one);
    this.#showClasses();
    this.#showHead();
    this.#view.say(`${one.name} was removed.`);
    const next = taught.classes[at] ?? taught.classes[at - 1];
    ((next && this.#cards.get(next)?.name) ?? this.#view.add).focus();
  }

  /**
   * @param {TaughtClass} one
   * @param {string} to
   */
  async #rename(one, to) {
    if (!this.#lesson) throw new Error('The model is not there yet: try again in a moment.');
    await this.#lesson.rename(one, to);
    this.#cards.get(one)?.update();
    this.#showHead();
  }

  #startCamera() {
    document.getElementById('camera')?.click();
    this.#view.wait();
  }

  #mayCollect() {
    this.#view.complain('');
    if (!this.#video.srcObject) this.#startCamera();
    else if (this.#lesson && this.#video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) return true;
    return false;
  }

  /**
   * @param {TaughtClass} one
   * @param {HTMLVideoElement | ImageBitmap} source
   * @param {Promise<Uint8Array>} jpeg its thumbnail
   */
  async #addExample(one, source, jpeg) {
    const lesson = this.#lesson;
    try {
      if (!lesson || !(await lesson.addExample(one, source, jpeg))) return false;
    } catch (error) {
      if (source !== this.#video || this.#video.srcObject) this.#complain(error, lesson); // else the camera has just stopped
      return false;
    }
    this.#cards.get(one)?.update();
    this.#showHead();
    return true;
  }

  /**
   * @param {TaughtClass} one
   * @param {File[]} files
   */
  async #addFiles(one, files) {
    this.#view.complain('');
    const refused = [];
    let added = 0;
    for (const [i, file] of files.entries()) {
      this.#view.stage(`Picture ${i + 1} of ${files.length}`, i / files.length);
      try {
        const bitmap = await decode(file);
        const taken = await this.#addExample(one, bitmap, thumbnail(bitmap));
        bitmap.close();
        if (!taken) break;
        added++;
      } catch {
        refused.push(file.name);
      }
    }
    this.#view.stage('');
    if (added && this.#lesson?.taught.classes.includes(one)) this.#view.say(`${counted(added, 'picture')} added to ${one.name}, ${counted(one.examples.length, 'example')} in all.`);
    if (refused.length) {
      const names = refused.slice(0, 3).join(', ') + (refused.length > 3 ? ' and others' : '');
      this.#view.complain(`${refused.length} of ${counted(files.length, 'file')} could not be read as a picture: ${names}.`);
    }
  }

  async #train() {
    const lesson = this.#lesson;
    if (!lesson) return;
    const unnamed = lesson.taught.classes.find((one) => !this.#cards.get(one)?.valid);
    const missing = unnamed ? `Correct the name of ${unnamed.name} first.` : lesson.missing();
    this.#view.complain(missing);
    if (missing) return;
    const training = (this.#training = new AbortController());
    this.#view.trainButton.textContent = 'Cancel training';
    this.#view.say('Training.');
    try {
      const { accuracy } = await lesson.train({ signal: training.signal, onProgress: (progress) => this.#stage(progress) });
      if (this.#lesson === lesson) {
        this.#showClasses();
        this.#setLive(true);
        this.#view.say(`Trained, ${percent(accuracy)} right. The results show your classes now.`);
      }
    } catch (error) {
      if (training.signal.aborted) this.#view.say('Training was cancelled.');
      else this.#complain(error, lesson);
    }
    this.#training = undefined;
    this.#view.trainButton.textContent = 'Train';
    this.#view.stage('');
  }

  /** @param {import('./teach').TeachProgress} progress */
  #stage({ phase, loaded, total }) {
    if (phase === 'train') this.#view.stage('Training', loaded);
    else this.#view.stage(`Fetching what trains, once: ${(loaded / 1e6).toFixed(1)} MB`, total ? loaded / total : undefined);
  }

  /** Shows how good the head is, and what can be done with it. */
  #showHead() {
    this.#view.showHead(this.#lesson?.teacher.head, this.#lesson?.taught.stale ?? false);
  }

  /** @param {boolean} on */
  #setLive(on) {
    if (!this.#lesson) return;
    const { teacher, taught } = this.#lesson;
    if (taught.live !== on) {
      taught.live = on;
      taught.keep();
    }
    this.#view.showLive(on);
    this.#showHead();
    this.#remember();
    this.#use(on ? (source) => this.#predict(teacher, source) : undefined, teacher.head?.threshold ?? 0);
  }

  /**
   * The taught classes of a picture, as many as the page shows.
   *
   * @param {import('./teach').Teacher} teacher
   * @param {import('./glance').Source} source
   */
  async #predict(teacher, source) {
    const predictions = await teacher.predict(source);
    if (source === this.#video) this.#view.showNow();
    return predictions.slice(0, bars);
  }

  async #save() {
    const lesson = this.#lesson;
    if (!lesson) return;
    try {
      const file = /** @type {Uint8Array<ArrayBuffer>} */ (await lesson.teacher.save());
      const url = URL.createObjectURL(new Blob([file], { type: 'application/octet-stream' }));
      element('a', { href: url, download: `${lesson.teacher.base.name}-head.safetensors` }).click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000); // the download may begin late
    } catch (error) {
      this.#complain(error, lesson);
    }
  }

  /** @param {File} file */
  async #load(file) {
    const lesson = this.#lesson;
    if (!lesson) return;
    this.#view.complain('');
    try {
      const { classes } = await lesson.load(file, { onProgress: (progress) => this.#stage(progress) });
      if (this.#lesson === lesson) {
        this.#showClasses();
        this.#setLive(true);
        this.#view.say(`${file.name} holds ${counted(classes.length, 'class')}: ${classes.join(', ')}. The results show them now.`);
      }
    } catch (error) {
      const damaged = /** @type {import('./glance').GlanceError} */ (error).code === 'head-format';
      this.#complain(error, lesson, damaged ? `${file.name} is damaged, or was not saved here. ` : '');
    }
    this.#view.stage('');
  }

  async #deleteAll() {
    // What is still on its way comes to nothing, instead of being kept after all.
    this.#training?.abort();
    this.#lesson?.teacher.dispose();
    this.#lesson = undefined;
    for (const taught of this.#known.values()) taught.classes = [];
    this.#known.clear();
    const refusal = await this.#store.clear().then(() => undefined, (error) => error);
    this.#use(undefined, 0);
    await this.network(this.#classifier);
    if (refusal) this.#complain(refusal, this.#lesson);
    else this.#view.say('Everything that was taught is deleted.');
    this.#view.add.focus(); // the button that had it was hidden meanwhile
  }

  /** Has the section opened again on the next visit, where it is open or in use. */
  #remember() {
    this.#kept.set('teach', this.#details.open || this.#lesson?.taught.live ? 'open' : '');
  }

  /** @param {Error} error of the store */
  #cannotKeep(error) {
    if (this.#view.kept.textContent !== error.message) this.#view.kept.textContent = error.message;
  }

  /**
   * Says what went wrong, unless the model it went wrong for has been left.
   *
   * @param {unknown} error
   * @param {Lesson | undefined} lesson
   * @param {string} [before] what to say before the error's own words
   */
  #complain(error, lesson, before = '') {
    const { message } = /** @type {Error} */ (error);
    if (this.#lesson === lesson) this.#view.complain(before + message[0].toUpperCase() + message.slice(1));
  }
}
