import { ClassCard } from './teach-class.js';
import { counted, element } from './teach-elements.js';
import { percent, report } from './teach-report.js';
import { TeachStore } from './teach-store.js';
import { Taught } from './teach-taught.js';
import { thumbnail } from './teach-thumbnail.js';
import { SectionView } from './teach-view.js';
import { createTeacher } from './teach.js';

/** @typedef {import('./teach-taught.js').TaughtClass} TaughtClass */
/** @typedef {(source: import('./glance').Source) => Promise<import('./glance').Prediction[]>} Predict */

/** Results that the page shows at most. */
const bars = 5;

/**
 * Fills the page's section "Teach your own classes".
 *
 * @param {(predict: Predict | undefined) => void} use shows the results of a function in place of the model's own
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
  /** Whether it was told that nothing can be kept. */
  #told = false;
  /** By the SHA-256 of their networks. @type {Map<string, Taught>} */
  #known = new Map();
  /** @type {Map<TaughtClass, ClassCard>} */
  #cards = new Map();
  /** @type {import('./glance').Classifier | undefined} */
  #classifier;
  /** @type {Taught | undefined} */
  #taught;
  /** @type {import('./teach').Teacher | undefined} */
  #teacher;
  /** Aborts the training that runs. @type {AbortController | undefined} */
  #training;
  #details = /** @type {HTMLDetailsElement} */ (document.getElementById('teach-details'));
  #video = /** @type {HTMLVideoElement} */ (document.getElementById('video'));

  /**
   * @param {(predict: Predict | undefined) => void} use
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
    this.#teacher?.dispose();
    this.#teacher = this.#taught = undefined;
    this.#view.whole.setAttribute('aria-busy', 'true');
    this.#view.note.hidden = true;
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
    const teacher = createTeacher(classifier);
    if (this.#classifier !== classifier) return;
    this.#taught = taught;
    this.#teacher = teacher;
    for (const one of taught.classes) {
      const usable = [];
      for (const example of one.examples) {
        try {
          ({ id: example.id } = await teacher.add(one.name, example.embedding));
          usable.push(example);
        } catch {
          continue; // kept by another version or damaged: the rest can still be used
        }
      }
      one.examples = usable;
    }
    if (this.#teacher !== teacher) return;
    this.#showClasses();
    this.#view.whole.setAttribute('aria-busy', 'false');
    if (taught.head) await this.#restoreHead(teacher, taught, taught.head);
    else this.#showHead();
  }

  /**
   * @param {import('./teach').Teacher} teacher
   * @param {Taught} taught
   * @param {Uint8Array} file
   */
  async #restoreHead(teacher, taught, file) {
    try {
      await teacher.load(file, { onProgress: (progress) => this.#stage(progress) });
    } catch (error) {
      if (this.#teacher === teacher) this.#complain(error);
    }
    if (this.#teacher !== teacher) return;
    this.#view.stage('');
    this.#showHead();
    if (taught.live && teacher.head) this.#setLive(true);
  }

  /** Shows the cards of the classes, keeping those that are there. */
  #showClasses() {
    const classes = this.#taught?.classes ?? [];
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
        this.#teacher?.remove(example.id);
        this.#taught?.removeExample(one, example);
        this.#showHead();
      },
      mayCollect: () => this.#mayCollect(),
      collect: () => this.#collect(one),
      addFiles: (files) => this.#addFiles(one, files),
      say: (text) => this.#view.say(text),
    });
  }

  #addClass() {
    if (!this.#taught) return;
    const added = this.#taught.addClass();
    this.#taught.keep();
    this.#showClasses();
    const field = this.#cards.get(added)?.name;
    field?.focus();
    field?.select();
  }

  /** @param {TaughtClass} one */
  #removeClass(one) {
    const at = this.#taught?.classes.indexOf(one) ?? 0;
    this.#teacher?.remove(one.name);
    this.#taught?.removeClass(one);
    this.#showClasses();
    this.#showHead();
    this.#view.say(`${one.name} was removed.`);
    const next = this.#taught?.classes[at] ?? this.#taught?.classes[at - 1];
    ((next && this.#cards.get(next)?.name) ?? this.#view.add).focus();
  }

  /**
   * @param {TaughtClass} one
   * @param {string} to
   */
  async #rename(one, to) {
    const { name } = one;
    if (!this.#taught || !this.#teacher) throw new Error('The model is not there yet: try again in a moment.');
    if (this.#taught.find(to)) throw new Error(`There is a class ${to} already: choose another name.`);
    await this.#teacher.rename(name, to);
    this.#taught.rename(one, to);
    if (this.#teacher.head?.classes.includes(to)) {
      this.#taught.head = await this.#teacher.save();
      this.#taught.keep();
    }
    this.#cards.get(one)?.update();
    this.#showHead();
  }

  #startCamera() {
    document.getElementById('camera')?.click();
    this.#view.say('The camera starts when the browser may use it.');
  }

  #mayCollect() {
    this.#view.complain('');
    if (!this.#teacher) return false;
    if (this.#video.srcObject && this.#video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA) return true;
    if (!this.#video.srcObject) this.#startCamera();
    return false;
  }

  /**
   * Takes an example from the camera.
   *
   * @param {TaughtClass} one
   */
  async #collect(one) {
    const picture = thumbnail(this.#video);
    const added = await this.#addExample(one, this.#video, picture);
    return added && Boolean(this.#video.srcObject);
  }

  /**
   * @param {TaughtClass} one
   * @param {HTMLVideoElement | ImageBitmap} source
   * @param {Promise<Uint8Array>} picture its thumbnail
   */
  async #addExample(one, source, picture) {
    const [teacher, taught] = [this.#teacher, this.#taught];
    if (!teacher || !taught) return false;
    try {
      const asked = one.name;
      let example = await teacher.add(asked, source);
      const small = await picture;
      if (!taught.classes.includes(one)) {
        teacher.remove(example.id);
        return false;
      }
      if (one.name !== asked) { // renamed meanwhile
        teacher.remove(example.id);
        example = await teacher.add(one.name, example.embedding);
      }
      taught.addExample(one, example, small);
    } catch (error) {
      if (this.#teacher === teacher) this.#complain(error);
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
    const taught = this.#taught;
    const refused = [];
    for (const [i, file] of files.entries()) {
      this.#view.stage(`Picture ${i + 1} of ${files.length}`, i / files.length);
      let bitmap;
      try {
        bitmap = await createImageBitmap(file);
      } catch {
        refused.push(file.name);
        continue;
      }
      const added = await this.#addExample(one, bitmap, thumbnail(bitmap));
      bitmap.close();
      if (!added) break;
    }
    if (this.#taught !== taught) return; // another model was chosen
    this.#view.stage('');
    const added = files.length - refused.length;
    if (added) this.#view.say(`${counted(added, 'picture')} added to ${one.name}, ${counted(one.examples.length, 'example')} in all.`);
    if (refused.length) {
      const names = refused.slice(0, 3).join(', ') + (refused.length > 3 ? ' and others' : '');
      this.#view.complain(`${counted(refused.length, 'file')} of ${files.length} could not be read as a picture: ${names}.`);
    }
  }

  /** What has to be done before training, '' for nothing. */
  #missing() {
    const classes = this.#taught?.classes ?? [];
    const unnamed = classes.find((one) => !this.#cards.get(one)?.valid);
    if (unnamed) return `Correct the name of ${unnamed.name} first.`;
    if (classes.length < 2) return 'At least two classes are needed to tell anything apart: add another, such as one for the background.';
    const small = classes.find(({ examples }) => examples.length < 2);
    return small ? `${small.name} has ${counted(small.examples.length, 'example')}: at least 2 are needed and 10 are better. Collect more, or remove the class.` : '';
  }

  async #train() {
    const [teacher, taught] = [this.#teacher, this.#taught];
    if (!teacher || !taught) return;
    const missing = this.#missing();
    this.#view.complain(missing);
    if (missing) return;
    const training = (this.#training = new AbortController());
    this.#view.trainButton.textContent = 'Cancel training';
    this.#view.say('Training.');
    try {
      const { accuracy, heldBack } = await teacher.train({ signal: training.signal, onProgress: (progress) => this.#stage(progress) });
      const results = new Map(heldBack.map((one) => [one.id, one]));
      for (const { examples } of taught.classes) {
        for (const example of examples) {
          const result = results.get(example.id);
          example.takenFor = result && result.predicted !== result.className ? result.predicted : undefined;
        }
      }
      taught.stale = taught.examples !== heldBack.length;
      taught.head = await teacher.save();
      taught.live = true;
      taught.keep();
      if (this.#teacher === teacher) {
        this.#showClasses();
        this.#setLive(true);
        this.#view.say(`Trained: ${percent(accuracy)} of the held-back examples are right. The results show your classes now.`);
      }
    } catch (error) {
      if (this.#teacher === teacher && training.signal.aborted) this.#view.say('Training was cancelled.');
      else if (this.#teacher === teacher) this.#complain(error);
    }
    if (this.#training === training) this.#training = undefined;
    this.#view.trainButton.textContent = 'Train';
    this.#view.stage('');
    this.#showHead();
  }

  /** @param {import('./teach').TeachProgress} progress */
  #stage({ phase, loaded, total }) {
    if (phase === 'train') this.#view.stage('Training', loaded);
    else this.#view.stage(`Fetching what trains, once: ${(loaded / 1e6).toFixed(1)} MB`, total ? loaded / total : undefined);
  }

  /** Shows how good the head is, and what can be done with it. */
  #showHead() {
    const head = this.#teacher?.head;
    const view = this.#view;
    view.report.replaceChildren(...(head ? report(head, this.#taught?.stale ?? false) : []));
    view.save.hidden = !head;
    view.live.disabled = !head;
    view.liveNames.textContent = head ? `: ${head.classes.join(', ')}` : ', once they are trained';
    if (!head) view.own.checked = true;
  }

  /** @param {boolean} on */
  #setLive(on) {
    const [teacher, taught] = [this.#teacher, this.#taught];
    if (!teacher || !taught) return;
    if (taught.live !== on) {
      taught.live = on;
      taught.keep();
    }
    this.#view.live.checked = on;
    this.#view.own.checked = !on;
    this.#view.note.hidden = !on;
    this.#view.now.textContent = '';
    this.#showHead();
    this.#remember();
    this.#use(on ? (source) => this.#predict(teacher, source) : undefined);
  }

  /**
   * The taught classes of a picture, as the page shows them.
   *
   * @param {import('./teach').Teacher} teacher
   * @param {import('./glance').Source} source
   */
  async #predict(teacher, source) {
    const predictions = await teacher.predict(source);
    const [best] = predictions;
    if (best.probability < (teacher.head?.threshold ?? 0)) {
      predictions[0] = { className: `None of these. Closest: ${best.className}`, probability: best.probability };
    }
    if (source === this.#video) this.#view.now.textContent = `${predictions[0].className}, ${percent(best.probability)}`;
    return predictions.slice(0, bars);
  }

  async #save() {
    const teacher = this.#teacher;
    if (!teacher) return;
    try {
      const url = URL.createObjectURL(new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (await teacher.save())], { type: 'application/octet-stream' }));
      element('a', { href: url, download: `${teacher.base.name}-head.safetensors` }).click();
      setTimeout(() => URL.revokeObjectURL(url), 60_000); // the download may begin late
    } catch (error) {
      this.#complain(error);
    }
  }

  /** @param {File} file */
  async #load(file) {
    const [teacher, taught] = [this.#teacher, this.#taught];
    if (!teacher || !taught) return;
    this.#view.complain('');
    try {
      const { classes } = await teacher.load(file, { onProgress: (progress) => this.#stage(progress) });
      taught.head = await teacher.save();
      taught.stale = false;
      if (!taught.examples) {
        taught.classes = classes.map((name) => ({ name, examples: [] }));
        this.#showClasses();
      }
      taught.live = true;
      taught.keep();
      if (this.#teacher !== teacher) return;
      this.#setLive(true);
      this.#view.say(`${file.name} holds a head of ${counted(classes.length, 'class')}: ${classes.join(', ')}. The results show them now.`);
    } catch (error) {
      if (this.#teacher === teacher) this.#complain(error);
    }
    this.#view.stage('');
  }

  async #deleteAll() {
    try {
      await this.#store.clear();
    } catch (error) {
      this.#cannotKeep(/** @type {Error} */ (error));
    }
    this.#known.clear();
    this.#use(undefined);
    await this.network(this.#classifier);
    this.#view.say('Everything that was taught is deleted.');
  }

  /** Has the section opened again after a reload, where it is open or in use. */
  #remember() {
    this.#kept.set('teach', this.#details.open || this.#taught?.live ? 'open' : '');
  }

  /** @param {Error} error */
  #cannotKeep(error) {
    if (this.#told) return;
    this.#told = true;
    this.#view.complain(error.message);
  }

  /** @param {unknown} error */
  #complain(error) {
    this.#view.complain(/** @type {Error} */ (error).message);
  }
}
