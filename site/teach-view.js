import { button, confirmed, element, fileButton } from './teach-elements.js';
import { report } from './teach-report.js';

/**
 * What the visitor may do, besides to a class.
 *
 * @typedef {object} SectionActions
 * @property {() => void} startCamera
 * @property {() => void} addClass
 * @property {() => void} train or cancel the training that runs
 * @property {(on: boolean) => void} setLive
 * @property {() => void} save
 * @property {(file: File) => void} load
 * @property {() => void} deleteAll
 */

const starting = 'The camera starts once the browser may use it.';

/** The elements of the section, but for the classes' cards. */
export class SectionView {
  /** The head that is shown. @type {import('./teach').Head | undefined} */
  #head;
  /** @type {boolean | undefined} */
  #stale;

  /** @param {SectionActions} actions */
  constructor(actions) {
    this.preview = element('video', { muted: true, autoplay: true, playsInline: true, 'aria-label': 'Camera, as examples are taken from it' });
    this.now = element('p', { className: 'now', 'aria-hidden': 'true' }); // the results' live region says it
    this.start = button('Start the camera', '', actions.startCamera);
    const camera = element('div', { className: 'teach-camera' }, this.preview, this.start, this.now);

    this.classes = element('ul', { className: 'teach-classes', 'aria-label': 'Classes' });
    this.add = button('Add a class', '', actions.addClass);

    this.trainButton = button('Train', 'primary', actions.train);
    this.progress = element('progress', { hidden: true, 'aria-label': 'Progress' });
    this.doing = element('span', { className: 'doing' });
    this.status = element('p', { className: 'status', role: 'status' });
    this.problem = element('p', { className: 'problem', role: 'alert' });
    this.kept = element('p', { className: 'kept', role: 'alert' }); // that nothing can be kept
    this.report = element('div', { className: 'teach-report' });

    this.own = element('input', { type: 'radio', name: 'teach-live', id: 'teach-own', checked: true });
    this.live = element('input', { type: 'radio', name: 'teach-live', id: 'teach-taught', disabled: true });
    this.liveText = element('span', {});
    for (const radio of [this.own, this.live]) radio.addEventListener('change', () => actions.setLive(this.live.checked));
    const choice = element('fieldset', {}, element('legend', {}, 'The results show'),
      element('label', { htmlFor: 'teach-own' }, this.own, 'the model’s own classes'),
      element('label', { htmlFor: 'teach-taught' }, this.live, this.liveText));

    this.save = button('Save to a file', '', actions.save);
    const load = fileButton('Load from a file', { accept: '.safetensors' }, ([file]) => actions.load(file));
    const remove = button('Delete all', 'quiet');
    const question = 'Delete everything taught, to every model?';
    confirmed(remove, () => question, () => this.say(`Press again: ${question}`), actions.deleteAll);

    this.whole = element('div', { className: 'teach', 'aria-busy': 'true' },
      element('p', { className: 'note' }, 'Show a few examples of each of your classes: hold a button while the camera runs, or add pictures. About ten of each are a good start. All of it stays on this device.'),
      element('div', { className: 'teach-collect' }, camera, this.classes),
      element('p', { className: 'row' }, this.add),
      element('div', { className: 'row' }, this.trainButton, this.progress, this.doing),
      this.status, this.problem, this.kept, this.report, choice,
      element('p', { className: 'row files' }, this.save, load.whole, remove));

    // The same choice where the results are.
    this.noteText = element('span', {});
    this.switch = button('', 'quiet', () => actions.setLive(!this.live.checked));
    this.note = element('p', { className: 'teach-note', hidden: true }, this.noteText, this.switch);
    document.getElementById('results-title')?.after(this.note);
  }

  /** Tells that the camera was asked for. */
  wait() {
    this.say(starting);
  }

  /**
   * Tells what has happened, to screen readers as well.
   *
   * @param {string} text
   */
  say(text) {
    this.status.textContent = text;
  }

  /**
   * Tells what went wrong, or '' where nothing did.
   *
   * @param {string} text
   */
  complain(text) {
    this.problem.textContent = text;
  }

  /**
   * Shows how far something is; '' for nothing.
   *
   * @param {string} text
   * @param {number} [part] of 1, undefined where it is not known
   */
  stage(text, part) {
    this.progress.hidden = text === '';
    this.doing.textContent = text;
    if (part === undefined) this.progress.removeAttribute('value');
    else this.progress.value = part;
  }

  /**
   * Shows how good a head is, and what can be done with it.
   *
   * @param {import('./teach').Head | undefined} head
   * @param {boolean} stale whether examples have changed since its training
   */
  showHead(head, stale) {
    if (head === this.#head && stale === this.#stale) return;
    this.#head = head;
    this.#stale = stale;
    this.report.replaceChildren(...(head ? report(head, stale) : []));
    this.save.hidden = !head;
    this.live.disabled = !head;
    this.liveText.textContent = head ? `your classes: ${head.classes.join(', ')}` : 'your classes, once they are trained';
    this.note.hidden = !head;
    if (!head) this.showLive(false);
  }

  /** @param {boolean} on whether the results show the taught classes */
  showLive(on) {
    this.live.checked = on;
    this.own.checked = !on;
    this.noteText.textContent = on ? 'These are your classes.' : 'These are the model’s own classes.';
    this.switch.textContent = on ? 'Show the model’s own' : 'Show yours';
    this.now.textContent = '';
  }

  /** Shows the page's first result beside the camera's picture. */
  showNow() {
    const first = document.querySelector('#bars li:not([hidden])');
    this.now.textContent = first ? `${first.querySelector('.label')?.textContent}, ${first.querySelector('.percent')?.textContent}` : '';
  }

  /**
   * Shows the page's camera beside the classes.
   *
   * @param {HTMLVideoElement} video the page's
   * @param {boolean} wanted whether the section is open
   */
  mirror(video, wanted) {
    const stream = wanted ? video.srcObject : null;
    if (this.preview.srcObject !== stream) this.preview.srcObject = stream;
    this.preview.classList.toggle('mirrored', video.classList.contains('mirrored'));
    this.preview.hidden = !stream;
    this.start.hidden = Boolean(stream);
    if (!stream) this.now.textContent = '';
    else if (this.status.textContent === starting) this.say('');
  }
}
