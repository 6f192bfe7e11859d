// Starts a page's own module, which is the first that the page preloads, and says
// what is wrong where that fails. Browsers do not compare what a module imports
// with a hash, so the preloaded files are fetched once more, from the browser's
// cache, and compared; a service worker has done so already.
//
// When a service worker of another version takes over, which a visitor asks for in
// one tab, the page reloads, so that no tab mixes two versions.

const workers = navigator.serviceWorker; // undefined on insecure origins
let controlled = Boolean(workers?.controller);
workers?.addEventListener('controllerchange', () => {
  if (controlled) location.reload();
  controlled = true; // now, by the page's first worker, which is of the page's own version
});
workers?.getRegistration().then((registration) => {
  controlled ||= Boolean(registration?.active); // a page reloaded past its worker is not controlled, but later versions take it
});

const preloads = /** @type {HTMLLinkElement[]} */ ([...document.querySelectorAll('link[rel=modulepreload]')]);

try {
  await Promise.all([import(preloads[0].href), ...(workers?.controller ? [] : preloads.map(compare))]);
} catch (error) {
  console.error(error);
  // The browser's cache may hold files of another version: then a reload finds the right ones.
  const found = await Promise.all(preloads.map(({ href }) => fetch(href, { cache: 'reload' }).catch(() => undefined)));
  const text = found.every((response) => response?.ok)
    ? 'The files of this page are damaged or belong to another version. Reload the page; if that does not help, the site has to be uploaded again.'
    : 'The files of this page could not be reached. Check the connection, then reload.';
  const alert = Object.assign(document.createElement('p'), { className: 'card damaged', role: 'alert', textContent: text });
  /** @type {HTMLElement} */ (document.querySelector('main')).replaceChildren(alert); // what does not belong together is not used
}

/** @param {HTMLLinkElement} link */
function compare({ href, integrity }) {
  return fetch(href, { integrity });
}

export {};
