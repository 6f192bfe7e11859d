// What the site's pages do beside the API: they register the service worker, offer
// its updates, and look after what is kept on this device. Loaded when a page has
// nothing more urgent to do.

import { dropKept, keptModels } from './cached.js';

export { dropKept, keptModels };

/** Whether the service worker adds the headers that threads need; the build says so. */
const isolate = true;

/** @type {ServiceWorkerRegistration | undefined} */
let registration;

/**
 * Registers the service worker.
 *
 * @param {() => void} [updated] called when a new version waits for apply
 * @returns {Promise<boolean>} whether the page opens without a network from now on
 */
export async function register(updated = () => {}) {
  const container = navigator.serviceWorker;
  if (!container) return false; // an insecure origin, or a private window
  try {
    // Not through the browser's cache: what it holds may be a day old.
    registration = await container.register(new URL('./sw.js', import.meta.url), { updateViaCache: 'none' });
  } catch {
    return false; // the host does not serve it: the page works without
  }
  const first = !registration.active;
  if (first) container.addEventListener('controllerchange', reloadForThreads, { once: true });
  const offer = () => {
    if (registration?.waiting && registration.active) updated();
  };
  registration.addEventListener('updatefound', () => registration?.installing?.addEventListener('statechange', offer));
  registration.installing?.addEventListener('statechange', offer);
  offer();
  let looked = Date.now();
  document.addEventListener('visibilitychange', () => {
    if (document.hidden || Date.now() - looked < 3600e3) return;
    looked = Date.now();
    registration?.update().catch(() => {}); // no network: the next time
  });
  const { installing } = registration;
  if (first && installing) {
    await new Promise((resolve) => installing.addEventListener('statechange', () => {
      if (installing.state === 'activated' || installing.state === 'redundant') resolve(undefined);
    }));
  }
  return Boolean(registration.active);
}

/** Lets the version that waits take over. */
export function apply() {
  registration?.waiting?.postMessage('activate');
}

/**
 * Reloads a page that got threads only now, by the service worker's headers: once,
 * and only where nobody has used the page yet.
 */
function reloadForThreads() {
  const used = (navigator.userActivation?.hasBeenActive ?? true) || document.getElementById('empty')?.hidden !== false;
  const useful = isolate && !globalThis.crossOriginIsolated && navigator.hardwareConcurrency > 1 && top === self;
  if (used || !useful || new URLSearchParams(location.search).get('isolate') === 'off') return;
  try {
    if (sessionStorage.getItem('glance.isolated')) return;
    sessionStorage.setItem('glance.isolated', 'tried');
  } catch {
    return; // it could not be known that this was done before
  }
  location.reload();
}

/**
 * How much is stored, whether the browser keeps it when space is short, and
 * whether the page opens without a network.
 *
 * @returns {Promise<{usage: number, quota: number, persisted: boolean, offline: boolean}>} bytes, 0 where the browser does not say
 */
export async function storage() {
  const offline = Boolean(registration?.active ?? navigator.serviceWorker?.controller);
  try {
    const { usage = 0, quota = 0 } = await navigator.storage.estimate();
    return { usage, quota, persisted: await navigator.storage.persisted(), offline };
  } catch {
    return { usage: 0, quota: 0, persisted: false, offline };
  }
}

/**
 * Asks the browser to keep what is stored even when space is short.
 *
 * @returns {Promise<boolean>} whether it agreed
 */
export async function persist() {
  try {
    return await navigator.storage.persist();
  } catch {
    return false;
  }
}
