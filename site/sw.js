// The site's service worker. It keeps the site's files for use without a network,
// a whole version at a time, and adds the headers that threads need where the
// host does not send them. Only the site's own pages register it (pwa.js).
//
// The weights of the models are not its business: the engine keeps them itself
// (cached.js), under their hash, whatever version the site has.

/**
 * What the build writes (tools/site/assemble): a version is the hash of the files
 * in it; the files have theirs, as the integrity attribute writes it, by path.
 * Those in later are fetched and kept when they are first used.
 *
 * @type {{version: string, isolate: boolean, files: Record<string, string>, later: Record<string, string>}}
 */
const built = { version: '', isolate: true, files: {}, later: {} };

const worker = /** @type {any} */ (self);
const scope = new URL(worker.registration.scope);
const prefix = `glance ${scope.pathname} `; // other sites of the same origin have other scopes
const cacheName = prefix + built.version;

worker.addEventListener('install', (/** @type {any} */ event) => event.waitUntil(install()));
worker.addEventListener('activate', (/** @type {any} */ event) => event.waitUntil(activate()));
worker.addEventListener('message', (/** @type {any} */ event) => {
  if (event.data === 'activate') worker.skipWaiting();
});
worker.addEventListener('fetch', (/** @type {any} */ event) => {
  const path = pathOf(event.request);
  if (path !== undefined) event.respondWith(answer(event, path));
});

/** Fills this version's cache. Where one file cannot be had, there is none of it. */
async function install() {
  const there = await caches.has(cacheName);
  const cache = await caches.open(cacheName);
  try {
    await Promise.all(Object.keys(built.files).map(async (path) => {
      const key = keyOf(path);
      const unchanged = await caches.match(key, { ignoreVary: true }); // since an earlier version
      await cache.put(key, unchanged ?? await download(path));
    }));
  } catch (error) {
    if (!there) await caches.delete(cacheName);
    throw error;
  }
}

/** Takes over from the version before, whose files go. */
async function activate() {
  // A version that is being installed already has a cache; it will tidy up.
  const { installing, waiting } = worker.registration;
  if (!installing && !waiting) {
    const old = (await caches.keys()).filter((name) => name.startsWith(prefix) && name !== cacheName);
    await Promise.all(old.map((name) => caches.delete(name)));
  }
  await worker.clients.claim();
}

/**
 * Which of the site's files a request is for.
 *
 * @param {Request} request
 * @returns {string | undefined} undefined for what is left to the network
 */
function pathOf({ method, url, headers, cache }) {
  if (method !== 'GET' || headers.has('Range') || cache === 'reload' || cache === 'no-store') return undefined;
  const { origin, pathname } = new URL(url);
  if (origin !== scope.origin || !pathname.startsWith(scope.pathname)) return undefined;
  const path = pathname.slice(scope.pathname.length).replace(/(^|\/)$/, '$1index.html');
  return [path, `${path}.html`].find(hashOf); // some hosts leave .html out
}

/**
 * @param {any} event a FetchEvent
 * @param {string} path
 */
async function answer(event, path) {
  const { request } = event;
  const key = keyOf(path);
  let response = await caches.match(key, { cacheName, ignoreVary: true });
  if (!response) {
    if (!(await caches.has(cacheName))) return fetch(request); // the visitor has cleared it
    response = await download(path);
    const copy = response.clone();
    event.waitUntil(caches.open(cacheName).then((cache) => cache.put(key, copy)).catch(() => {})); // storage is full: it is fetched again the next time
  }
  const isolated = built.isolate && isolates(request);
  if (!isolated && !response.redirected) return response;
  const headers = new Headers(response.headers);
  headers.delete('Content-Encoding'); // what is kept is decoded
  headers.delete('Content-Length');
  if (isolated) {
    headers.set('Cross-Origin-Opener-Policy', 'same-origin');
    headers.set('Cross-Origin-Embedder-Policy', 'require-corp');
  }
  return new Response(response.body, { headers });
}

/**
 * Whether the answer makes a page or a worker, which then is cross-origin
 * isolated; a page is not where its address says isolate=off.
 *
 * @param {Request} request
 */
function isolates({ mode, destination, url }) {
  if (mode === 'navigate') return new URL(url).searchParams.get('isolate') !== 'off';
  return destination === 'worker';
}

/**
 * Fetches a file of this version.
 *
 * @param {string} path
 * @returns {Promise<Response>} rejected where it differs from its hash
 */
async function download(path) {
  const response = await fetch(new URL(path, scope), { integrity: hashOf(path), cache: 'no-cache' });
  if (response.status !== 200) throw new Error(`${path}: the server answered ${response.status}`);
  return response;
}

/**
 * The key of a file in a cache: two versions of it have two.
 *
 * @param {string} path
 */
function keyOf(path) {
  const key = new URL(path, scope);
  key.search = /** @type {string} */ (hashOf(path));
  return key.href;
}

/**
 * @param {string} path
 * @returns {string | undefined} undefined for what is not of this version
 */
function hashOf(path) {
  return [built.files, built.later].find((list) => Object.hasOwn(list, path))?.[path];
}
