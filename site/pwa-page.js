// What the page shows of pwa.js: the notice of a new version, and the list of
// what is kept on this device. Fetched when the first model is there.

import { apply, dropKept, keptModels, persist, register, storage } from './pwa.js';

/** @param {string} id */
const byId = (id) => /** @type {any} */ (document.getElementById(id));

const megabytes = (/** @type {number} */ bytes) => `${(bytes / 1e6).toFixed(1)} MB`;
const gigabytes = (/** @type {number} */ bytes) => `${(bytes / 1e9).toFixed(1)} GB`;

byId('settings').addEventListener('toggle', () => {
  byId('storage-status').textContent = '';
  list();
});
addEventListener('glancekept', list); // page.js: a model has been kept
byId('storage-models').addEventListener('click', remove);
byId('storage-persist').addEventListener('click', ask);
byId('update-later').addEventListener('click', () => { byId('update').hidden = true; });
byId('update-now').addEventListener('click', () => {
  byId('update-text').textContent = 'Reloading';
  apply();
});
register(offer).then(list);

/** Says that a new version waits; the visitor decides when the page becomes it. */
function offer() {
  byId('update').hidden = false;
  byId('update-text').textContent =
    'A new version is ready. Reloading puts away the pictures in every open tab of this page.';
}

/** Lists the models that are kept, while the settings are open. */
async function list() {
  if (!byId('settings').open) return;
  const [models, { usage, quota, persisted, offline }] = await Promise.all([keptModels(), storage()]);
  byId('storage-models').replaceChildren(...models.map(line));
  const sum = models.reduce((total, { bytes }) => total + bytes, 0);
  byId('storage-total').textContent = [
    models.length ? `${models.length} model${models.length === 1 ? '' : 's'}, ${megabytes(sum)}.` : 'No models are kept.',
    quota ? `With the page itself ${megabytes(usage)} of about ${gigabytes(quota)} that the browser grants.` : '',
    !offline ? 'In this browser, at this address, the page does not open without a network.'
      : persisted ? 'The page opens without a network, and the browser keeps it when space is short.'
        : 'The page opens without a network.',
  ].filter(Boolean).join(' ');
  byId('storage-persist').hidden = persisted || !models.length;
  byId('storage').hidden = false;
}

/**
 * A model with its size and a button that deletes it.
 *
 * @param {import('./glance').KeptModel} model
 */
function line({ title, bytes, sha256 }) {
  const text = Object.assign(document.createElement('span'), { textContent: `${title}, ${megabytes(bytes)}` });
  const button = Object.assign(document.createElement('button'), { type: 'button', className: 'button', textContent: 'Delete', ariaLabel: `Delete ${title}` });
  Object.assign(button.dataset, { sha256, title });
  const item = document.createElement('li');
  item.append(text, button);
  return item;
}

/**
 * Deletes a model. The button that had the focus is gone then: it moves to the
 * sum below the list.
 *
 * @param {Event} event
 */
async function remove({ target }) {
  const button = /** @type {HTMLElement} */ (target).closest('button');
  if (!button) return;
  button.disabled = true;
  const { sha256 = '', title } = button.dataset;
  const removed = await dropKept(sha256);
  await list();
  byId('storage-total').focus();
  byId('storage-status').textContent = removed
    ? `${title} is deleted. It is downloaded again when it is chosen.`
    : `${title} was deleted already.`;
}

/** Asks the browser not to delete what is kept. */
async function ask() {
  const agreed = await persist();
  await list();
  if (agreed) byId('storage-total').focus(); // the button is gone
  byId('storage-status').textContent = agreed
    ? 'The browser keeps the models and the page until you delete them.'
    : 'The browser does not promise it. Most do once a page is installed or often used.';
}
