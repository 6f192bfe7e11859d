// Starts the page's Go program (wasm/page) and hands the JavaScript API to it.

import { supported } from './backend.js';
import { GlanceError, load, models } from './glance.js';
import { GoProgram } from './goruntime.js';
import { compile } from './modules.js';
import { hashed } from './urls.js';

const urls = Object.fromEntries(Object.entries({ engine: 'page.wasm', worker: 'worker.js', helper: 'helper.js' })
  .map(([asset, path]) => [asset, hashed(new URL(path, import.meta.url), path)]));

/** What the visitor chose, kept for the next visit where the browser allows it. */
const kept = {
  /** @param {string} name */
  get(name) {
    try {
      return localStorage.getItem(`glance.${name}`) ?? '';
    } catch {
      return '';
    }
  },
  /** @param {string} name @param {string} value */
  set(name, value) {
    try {
      localStorage.setItem(`glance.${name}`, value);
    } catch {
      // Storage is full or switched off: the choice holds for this visit.
    }
  },
};

/**
 * Loads a model, which is kept on this device. What can wait until the first one
 * is there is fetched a moment later.
 *
 * @param {import('./glance').LoadOptions} options
 */
function loadKept(options) {
  return load({ ...options, keep: true, onKept }).finally(() => {
    setTimeout(() => import('./pwa-page.js').catch(() => {}), 1000); // without it the page needs the network
  });
}

/** @param {GlanceError} [error] */
function onKept(error) {
  if (error) say(error.message);
  dispatchEvent(new Event('glancekept'));
}

/**
 * Shows a notice that there is nothing to try again for.
 *
 * @param {string} text
 */
function say(text) {
  /** @type {HTMLElement} */ (document.getElementById('retry')).hidden = true;
  /** @type {HTMLElement} */ (document.getElementById('notice-text')).textContent = text;
  /** @type {HTMLElement} */ (document.getElementById('notice')).hidden = false;
}

try {
  supported(); // or it says why nothing is
  const module = await compile(urls.engine);
  // The program holds the engine too and so imports the kernels. Here, on the
  // page, it never calls them; its second instance, in the worker, does.
  const kernels = Object.fromEntries(
    WebAssembly.Module.imports(module).filter((wanted) => wanted.module === 'kernels').map(({ name }) => [name, () => 0]),
  );
  await GoProgram.start(module, { kernels }, { glancePage: {
    load: loadKept, models, supported, kept, urls, teach: () => import('./teach-page.js'),
  } });
} catch (error) {
  /** @type {HTMLElement} */ (document.getElementById('loading')).hidden = true;
  say(error instanceof GlanceError ? error.message : `The page could not be started: ${error}`);
}
