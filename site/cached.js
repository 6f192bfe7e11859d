import { GlanceError } from './errors.js';

/**
 * Weights kept in the browser, by their hash, so that a site with the same model
 * at another place, or in a later version, does not download it again. Only
 * whole files whose hash was right come in.
 */
const weightCache = 'glance-weights';

/** Header fields that say which model a kept file is, percent-encoded. */
const nameField = 'X-Glance-Name';
const titleField = 'X-Glance-Title';

/**
 * The key of a file: a URL that is never fetched.
 *
 * @param {string} sha256 in hexadecimal
 */
function weightKey(sha256) {
  return new URL(`/glance-weights/${sha256.toLowerCase()}`, location.origin).href;
}

/**
 * @param {string} sha256
 * @returns {Promise<Response | undefined>} undefined also where the browser keeps nothing
 */
export async function findKept(sha256) {
  try {
    return await (await caches.open(weightCache)).match(weightKey(sha256));
  } catch {
    return undefined; // no Cache API: an insecure origin, or a private window
  }
}

/**
 * Keeps a verified file.
 *
 * @param {Uint8Array} file
 * @param {{name: string, title: string, sha256: string}} about
 * @returns {Promise<void>} rejected with 'storage' where the browser refuses
 */
export async function keepWeights(file, { name, title, sha256 }) {
  try {
    const cache = await caches.open(weightCache);
    await cache.put(weightKey(sha256), new Response(/** @type {BodyInit} */ (file), {
      headers: {
        'Content-Type': 'application/octet-stream',
        'Content-Length': String(file.length),
        [nameField]: encodeURIComponent(name),
        [titleField]: encodeURIComponent(title),
      },
    }));
  } catch (cause) {
    const full = /** @type {Error} */ (cause)?.name === 'QuotaExceededError';
    throw new GlanceError('storage', full
      ? `${title} could not be kept on this device: its storage is full. It works now, and is downloaded again the next time.`
      : `${title} could not be kept on this device: this browser keeps nothing for this page. It works now, and is downloaded again the next time.`, cause);
  }
}

/**
 * Lists the models that are kept.
 *
 * @returns {Promise<import('./glance').KeptModel[]>} empty where the browser keeps nothing
 */
export async function keptModels() {
  try {
    const cache = await caches.open(weightCache);
    const list = [];
    for (const { url } of await cache.keys()) {
      const headers = (await cache.match(url))?.headers;
      if (!headers) continue;
      const text = (/** @type {string} */ field) => decodeURIComponent(headers.get(field) ?? '');
      list.push({ name: text(nameField), title: text(titleField), bytes: Number(headers.get('Content-Length')), sha256: url.replace(/.*\//, '') });
    }
    return list;
  } catch {
    return [];
  }
}

/**
 * Deletes a model that is kept.
 *
 * @param {string} sha256
 * @returns {Promise<boolean>} whether it was there
 */
export async function dropKept(sha256) {
  try {
    return await (await caches.open(weightCache)).delete(weightKey(sha256));
  } catch {
    return false;
  }
}
