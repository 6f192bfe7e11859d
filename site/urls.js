import { GlanceError } from './errors.js';
import { hashes } from './hashes.js';

/**
 * Where the files are that are not JavaScript. Each is named in the one form
 * that bundlers find, `new URL(literal, import.meta.url)`, and may be overridden.
 * A URL may end with the hash that the file must have, `#sha256-...` in base64;
 * those of this package's own files do.
 *
 * @typedef {'manifest' | 'engine' | 'twin' |
 *   'simd128' | 'relaxed' | 'simd128-threads' | 'relaxed-threads'} Asset
 * @typedef {Record<Asset, string> & {worker?: string, helper?: string}} AssetURLs
 */

/** @type {Record<Asset, {path: string, built: () => URL}>} */
const assets = {
  // Beside the engine, not in that form: a bundler would move the list away from the weights that it names.
  manifest: { path: 'models.json', built: () => new URL('models.json', assets.engine.built()) },
  engine: { path: 'engine.wasm', built: () => new URL('./engine.wasm', import.meta.url) },
  twin: { path: 'engine-twin.wasm', built: () => new URL('./engine-twin.wasm', import.meta.url) },
  simd128: { path: 'kernels/simd128.wasm', built: () => new URL('./kernels/simd128.wasm', import.meta.url) },
  relaxed: { path: 'kernels/relaxed.wasm', built: () => new URL('./kernels/relaxed.wasm', import.meta.url) },
  'simd128-threads': {
    path: 'kernels/simd128-threads.wasm',
    built: () => new URL('./kernels/simd128-threads.wasm', import.meta.url),
  },
  'relaxed-threads': {
    path: 'kernels/relaxed-threads.wasm',
    built: () => new URL('./kernels/relaxed-threads.wasm', import.meta.url),
  },
};

/**
 * Resolves every asset to an absolute URL: from `urls` where it is named there,
 * else below `baseURL`, else beside this file. The two worker scripts are left
 * undefined where neither says where they are: they are then started by the
 * literal URL that bundlers know how to follow.
 *
 * @param {{baseURL?: string | URL, urls?: {[asset: string]: string | URL | undefined}}} options
 * @returns {AssetURLs}
 */
export function resolveURLs({ baseURL, urls = {} }) {
  const base = folder(baseURL);
  const resolved = /** @type {AssetURLs} */ ({});
  for (const [name, { path, built }] of Object.entries(assets)) {
    const given = urls[name];
    resolved[/** @type {Asset} */ (name)] = given !== undefined ? absolute(given).href : hashed(base ? new URL(path, base) : built(), path);
  }
  for (const script of /** @type {const} */ (['worker', 'helper'])) {
    const given = urls[script];
    if (given !== undefined) resolved[script] = absolute(given).href;
    else if (base) resolved[script] = hashed(new URL(`${script}.js`, base), `${script}.js`);
  }
  return resolved;
}

/**
 * The absolute URL of a folder, which may be given without the slash at its end.
 *
 * @param {string | URL | undefined} url
 */
export function folder(url) {
  if (url === undefined) return undefined;
  const base = absolute(url);
  if (!base.pathname.endsWith('/')) base.pathname += '/';
  return base;
}

/**
 * The URL of one of this package's files with the hash the file must have.
 *
 * @param {URL} url
 * @param {string} path of the file in the package
 */
export function hashed(url, path) {
  if (hashes[path]) url.hash = hashes[path];
  return url.href;
}

/**
 * Takes a URL and the hash at its end apart.
 *
 * @param {string} url absolute
 * @returns {{address: string, integrity: string}} the latter '' where the URL has none
 */
export function split(url) {
  const [address, fragment = ''] = url.split('#');
  return { address, integrity: /^sha(256|384|512)-/.test(fragment) ? fragment : '' };
}

/**
 * @param {string | URL} url relative to the page, or in a worker to its script
 */
export function absolute(url) {
  try {
    return new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href);
  } catch (cause) {
    throw new GlanceError('bad-option', `${JSON.stringify(url)} is not a URL.`, cause);
  }
}
