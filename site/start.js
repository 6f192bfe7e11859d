// Starts a page's own module, which is the first that the page preloads, and says
// what is wrong where that fails. Browsers do not compare what a module imports
// with a hash, so the preloaded files are fetched once more, from the browser's
// cache, and compared; a service worker has done so already.
//
// When a service worker of another version takes over, which a visitor asks for in
// one tab, the page reloads, so that no tab mixes two versions.
//
// Browsers that are too old for the modules run this one: it is written in what they know.

const workers = navigator.serviceWorker; // undefined on insecure origins
let controlled = Boolean(workers && workers.controller);
if (workers) {
  workers.addEventListener('controllerchange', () => {
    if (controlled) location.reload();
    controlled = true; // now, by the page's first worker, which is of the page's own version
  });
  workers.getRegistration().then((registration) => {
    if (registration && registration.active) controlled = true; // a page reloaded past its worker is not controlled, but later versions take it
  });
}

const preloads = /** @type {HTMLLinkElement[]} */ ([...document.querySelectorAll('link[rel=modulepreload]')]);
const compared = Promise.all(controlled ? [] : preloads.map(compare));
Promise.all([import(preloads[0].href), compared]).catch(async (error) => {
  console.error(error);
  const intact = await compared.then(() => true, () => false);
  const text = intact && error instanceof SyntaxError ? 'This browser is too old for this page. Update it, or open the page in another one.' : await whatIsWrong();
  const alert = Object.assign(document.createElement('p'), { className: 'card damaged', role: 'alert', textContent: text });
  const main = /** @type {HTMLElement} */ (document.querySelector('main'));
  main.textContent = ''; // what does not belong together is not used
  main.appendChild(alert);
});

async function whatIsWrong() {
  // The browser's cache may hold files of another version: then a reload finds the right ones.
  const found = await Promise.all(preloads.map(({ href }) => fetch(href, { cache: 'reload' }).catch(() => undefined)));
  return found.every((response) => response && response.ok)
    ? 'The files of this page are damaged or belong to another version. Reload the page; if that does not help, the site has to be uploaded again.'
    : 'The files of this page could not be reached. Check the connection, then reload.';
}

/** @param {HTMLLinkElement} link */
function compare({ href, integrity }) {
  return fetch(href, { integrity });
}

export {};
