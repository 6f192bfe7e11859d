/**
 * Makes an element.
 *
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, string | boolean | number>} [attributes] properties where the element has them
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name in made) /** @type {any} */ (made)[name] = value;
    else made.setAttribute(name, String(value));
  }
  made.append(...children);
  return made;
}

/**
 * A button.
 *
 * @param {string} text
 * @param {string} look classes besides .button
 * @param {() => void} [action]
 */
export function button(text, look = '', action = undefined) {
  const made = element('button', { type: 'button', className: `button ${look}`.trim() }, text);
  if (action) made.addEventListener('click', action);
  return made;
}

/**
 * A button whose first press asks and whose second acts. Leaving it takes the
 * question back.
 *
 * @param {HTMLButtonElement} made
 * @param {() => string} question '' where nothing needs to be asked
 * @param {(question: string) => void} ask called with the question that the button now shows
 * @param {() => void} action
 */
export function confirmed(made, question, ask, action) {
  const text = made.textContent;
  const label = () => made.getAttribute('aria-label');
  /** @type {string | null} */
  let named = null;
  let asked = false;
  const takeBack = () => {
    if (!asked) return;
    asked = false;
    made.textContent = text;
    made.classList.remove('asking');
    if (named !== null) made.setAttribute('aria-label', named);
  };
  made.addEventListener('click', () => {
    const words = question();
    if (words && !asked) {
      asked = true;
      named = label();
      made.removeAttribute('aria-label');
      made.textContent = words;
      made.classList.add('asking');
      made.focus(); // where a press leaves the focus elsewhere, nothing would take the question back
      ask(words);
      return;
    }
    takeBack();
    action();
  });
  made.addEventListener('blur', takeBack);
}

/**
 * A file input with the look of a button.
 *
 * @param {string} text
 * @param {{accept?: string, multiple?: boolean}} attributes
 * @param {(files: File[]) => void} chosen
 */
export function fileButton(text, attributes, chosen) {
  const id = `teach-file-${++count}`;
  const input = element('input', { type: 'file', id, ...attributes });
  input.addEventListener('change', () => {
    const files = [...(input.files ?? [])];
    input.value = ''; // the same file may be chosen again
    if (files.length) chosen(files);
  });
  const label = element('label', { htmlFor: id, className: 'button' }, text);
  return { whole: element('span', { className: 'file' }, input, label), input, label };
}

let count = 0;

/**
 * @param {number} n
 * @param {string} thing
 */
export function counted(n, thing) {
  return `${n} ${thing}${n === 1 ? '' : /s$/.test(thing) ? 'es' : 's'}`;
}
