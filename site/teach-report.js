import { element } from './teach-elements.js';

/**
 * Says how good a head is: its accuracy on held-back examples in words, and which
 * classes were taken for which.
 *
 * @param {import('./teach').Head} head
 * @param {boolean} stale whether examples have changed since the training
 */
export function report({ classes, accuracy, confusion, threshold }, stale) {
  const all = confusion.flat().reduce((sum, count) => sum + count, 0);
  const right = classes.reduce((sum, _, k) => sum + confusion[k][k], 0);
  const parts = [
    element('p', { className: 'accuracy' }, element('strong', {}, percent(accuracy)), ` right: ${right} of ${all} held-back examples.`),
    element('p', { className: 'note' }, `Each example was judged once by a head trained without it, so new pictures taken like these should do about as well. ${advice(accuracy, confusion, classes)}`),
    table(classes, confusion),
    element('p', { className: 'note' }, `Where no class reaches ${percent(threshold)}, the answer is “none of these”. What else the camera may see is best taught as a class of its own.`),
  ];
  if (stale) parts.unshift(element('p', { className: 'stale' }, 'Examples have changed since this training: train again.'));
  return parts;
}

/**
 * @param {number} accuracy
 * @param {readonly (readonly number[])[]} confusion
 * @param {readonly string[]} classes
 */
function advice(accuracy, confusion, classes) {
  if (accuracy >= 0.95) return '';
  if (accuracy < 1.2 / classes.length) return 'That is hardly better than guessing: the classes look alike to this model, or examples were put in the wrong class.';
  const [mistakes, from, to] = confusion
    .flatMap((row, k) => row.map((count, j) => /** @type {const} */ ([k === j ? 0 : count, k, j])))
    .reduce((most, one) => (one[0] > most[0] ? one : most));
  return mistakes ? `Most often ${classes[from]} was taken for ${classes[to]}: more examples of both, from other sides and in other light, help.` : '';
}

/**
 * @param {readonly string[]} classes
 * @param {readonly (readonly number[])[]} confusion
 */
function table(classes, confusion) {
  const made = element('table', {},
    element('caption', {}, 'Examples by class, and what they were taken for'),
    element('thead', {}, element('tr', {}, element('th', { scope: 'col' }, 'Class'), ...classes.map((name) => element('th', { scope: 'col' }, name)))),
    element('tbody', {}, ...classes.map((name, k) => element('tr', {},
      element('th', { scope: 'row' }, name),
      ...confusion[k].map((count, j) => element('td', { className: k === j ? 'right' : count ? 'wrong' : 'none' }, String(count)))))));
  return element('div', { className: 'scroll', tabIndex: 0, role: 'region', 'aria-label': 'What examples were taken for' }, made);
}

/** @param {number} part */
export function percent(part) {
  return `${Math.round(100 * part)}\u00a0%`;
}
