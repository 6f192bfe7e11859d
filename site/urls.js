/**
 * Where the files are that are not JavaScript. Each is named in the one form
 * that bundlers find, `new URL(literal, import.meta.url)`, and may be overridden.
 *
 * @typedef {'manifest' | 'engine' | 'twin' |
 *   'simd128' | 'relaxed' | 'simd128-threads' | 'relaxed-threads'} Asset
 * @typedef {Record<Asset, string> & {worker?: string, helper?: string}} AssetURLs
 */

/** @type {Record<Asset, {path: string, built: () => URL}>} */
const assets = {
  manifest: { path: 'models.json', built: () => new URL('./models.json', import.meta.url) },
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
  const base = baseURL === undefined ? undefined : absolute(baseURL);
  if (base && !base.pathname.endsWith('/')) base.pathname += '/';
  const resolved = /** @type {AssetURLs} */ ({});
  for (const [name, { path, built }] of Object.entries(assets)) {
    const given = urls[name];
    const url = given !== undefined ? absolute(given) : base ? new URL(path, base) : built();
    resolved[/** @type {Asset} */ (name)] = url.href;
  }
  for (const script of /** @type {const} */ (['worker', 'helper'])) {
    const given = urls[script];
    if (given !== undefined) resolved[script] = absolute(given).href;
    else if (base) resolved[script] = new URL(`${script}.js`, base).href;
  }
  return resolved;
}

/**
 * @param {string | URL} url relative to the page, or in a worker to its script
 */
export function absolute(url) {
  return new URL(url, globalThis.document?.baseURI ?? globalThis.location?.href);
}
