import { button, confirmed, counted, element, fileButton } from './teach-elements.js';
import { holdButton } from './teach-hold.js';

/** @typedef {import('./teach-taught.js').TaughtClass} TaughtClass */
/** @typedef {import('./teach-taught.js').TaughtExample} TaughtExample */

/** Thumbnails shown at a time. */
const shown = 24;

/**
 * What a class's card asks for.
 *
 * @typedef {object} ClassActions
 * @property {(to: string) => Promise<void>} rename rejects where the name cannot be had
 * @property {() => void} remove
 * @property {(example: TaughtExample) => void} removeExample
 * @property {() => boolean} mayCollect
 * @property {() => Promise<boolean>} collect takes one example from the camera, and says whether to go on
 * @property {(files: File[]) => void} addFiles
 * @property {(text: string) => void} say tells screen readers
 */

let numbers = 0;

/** A class: its name, its examples, and how to get more. */
export class ClassCard {
  /** @type {TaughtClass} */
  #taught;
  #actions;
  #number = ++numbers;
  /** The elements of examples that are shown, by time. @type {Map<number, HTMLLIElement>} */
  #shown = new Map();
  /** How many of the newest examples are left out. */
  #skipped = 0;

  /**
   * @param {TaughtClass} taught
   * @param {ClassActions} actions
   */
  constructor(taught, actions) {
    this.#taught = taught;
    this.#actions = actions;
    const id = `teach-class-${this.#number}`;
    this.name = element('input', { id, value: taught.name, maxLength: 100, autocomplete: 'off', spellcheck: false });
    this.name.setAttribute('aria-describedby', `${id}-problem`);
    this.problem = element('p', { id: `${id}-problem`, className: 'problem' });
    this.count = element('span', { className: 'count' });
    const remove = button('Remove', 'quiet');
    this.remove = remove;
    let before = 0;
    this.hold = holdButton('Hold to collect', {
      begin: () => {
        before = taught.examples.length;
        return actions.mayCollect();
      },
      act: () => actions.collect(),
      end: () => {
        const added = taught.examples.length - before;
        if (added > 0) actions.say(`${counted(added, 'example')} of ${taught.name} added, ${taught.examples.length} in all.`);
      },
    });
    const files = fileButton('Add pictures', { accept: 'image/*', multiple: true }, (chosen) => actions.addFiles(chosen));
    this.files = files.input;
    this.list = element('ul', { className: 'thumbnails' });
    this.earlier = button('Earlier', 'quiet', () => this.#turn(shown));
    this.later = button('Later', 'quiet', () => this.#turn(-shown));
    this.pages = element('p', { className: 'pages' }, this.earlier, this.later);
    this.whole = element('li', { className: 'teach-class' },
      element('div', { className: 'name' }, element('label', { htmlFor: id, className: 'unseen' }, 'Name of the class'), this.name, remove),
      this.problem,
      element('div', { className: 'collect' }, this.hold, files.whole, this.count),
      this.list, this.pages);

    this.name.addEventListener('change', () => this.#rename());
    confirmed(remove, () => (taught.examples.length ? `Remove ${counted(taught.examples.length, 'example')}?` : ''),
      () => actions.say(`Press again to remove ${taught.name} with ${counted(taught.examples.length, 'example')}.`), () => actions.remove());
    this.#acceptDrops();
    this.update();
  }

  /** Whether the name that stands in the field is the class's. */
  get valid() {
    return this.name.value === this.#taught.name;
  }

  /** Shows the class as it is now. */
  update() {
    const { name, examples } = this.#taught;
    this.whole.setAttribute('aria-label', name);
    this.hold.setAttribute('aria-label', `Hold to collect examples of ${name} from the camera`);
    this.files.setAttribute('aria-label', `Add pictures to ${name}`);
    this.remove.setAttribute('aria-label', `Remove the class ${name}`);
    this.list.setAttribute('aria-label', `Examples of ${name}`);
    this.count.textContent = counted(examples.length, 'example');
    this.#skipped = Math.max(0, Math.min(this.#skipped, examples.length - 1));
    this.earlier.disabled = this.#skipped + shown >= examples.length;
    this.later.disabled = this.#skipped === 0;
    this.pages.hidden = examples.length <= shown;
    this.#showThumbnails(examples);
  }

  /** Frees what the thumbnails hold. */
  dispose() {
    for (const item of this.#shown.values()) revoke(item);
    this.#shown.clear();
  }

  /** @param {TaughtExample[]} examples */
  #showThumbnails(examples) {
    const end = examples.length - this.#skipped;
    const visible = examples.slice(Math.max(0, end - shown), end).reverse();
    const items = new Map(visible.map((example) => [example.time, this.#shown.get(example.time) ?? this.#thumbnail(example)]));
    for (const [time, item] of this.#shown) {
      if (items.has(time)) continue;
      revoke(item);
      item.remove();
    }
    this.#shown = items;
    let at = this.list.firstElementChild;
    for (const example of visible) {
      const item = /** @type {HTMLLIElement} */ (items.get(example.time));
      if (item === at) at = at.nextElementSibling;
      else this.list.insertBefore(item, at);
      const number = examples.indexOf(example) + 1;
      const label = `Delete example ${number} of ${this.#taught.name}${example.takenFor ? `, which was taken for ${example.takenFor}` : ''}`;
      item.classList.toggle('wrong', example.takenFor !== undefined);
      const press = /** @type {HTMLButtonElement} */ (item.firstElementChild);
      if (press.title !== label) press.title = label;
      press.setAttribute('aria-label', label);
    }
  }

  /** @param {TaughtExample} example */
  #thumbnail(example) {
    const url = URL.createObjectURL(new Blob([/** @type {Uint8Array<ArrayBuffer>} */ (example.thumbnail)], { type: 'image/jpeg' }));
    const press = element('button', { type: 'button' }, element('img', { src: url, alt: '' }));
    const item = element('li', {}, press);
    press.addEventListener('click', () => {
      const near = item.nextElementSibling ?? item.previousElementSibling;
      this.#actions.removeExample(example);
      this.update();
      /** @type {HTMLElement} */ (near?.isConnected ? near.firstElementChild : this.hold).focus();
    });
    return item;
  }

  /** @param {number} by */
  #turn(by) {
    this.#skipped += by;
    this.update();
    const [first, second] = by > 0 ? [this.earlier, this.later] : [this.later, this.earlier];
    if (first.disabled) second.focus();
  }

  async #rename() {
    const { name } = this;
    const to = name.value.trim();
    name.value = to;
    try {
      if (to !== this.#taught.name) await this.#actions.rename(to);
      this.problem.textContent = '';
      name.removeAttribute('aria-invalid');
    } catch (error) {
      this.problem.textContent = /** @type {Error} */ (error).message;
      name.setAttribute('aria-invalid', 'true');
    }
  }

  /** Takes pictures dropped on the card. The page shows what is dropped where nobody has prevented it. */
  #acceptDrops() {
    const { whole } = this;
    whole.addEventListener('dragover', (event) => {
      event.preventDefault();
      whole.classList.add('over');
    });
    whole.addEventListener('dragleave', (event) => {
      if (!whole.contains(/** @type {Node | null} */ (event.relatedTarget))) whole.classList.remove('over');
    });
    whole.addEventListener('drop', (event) => {
      event.preventDefault();
      whole.classList.remove('over');
      const files = [...(event.dataTransfer?.files ?? [])];
      if (files.length) this.#actions.addFiles(files);
    });
  }
}

/** @param {HTMLLIElement} item */
function revoke(item) {
  const image = item.querySelector('img');
  if (image) URL.revokeObjectURL(image.src);
}
