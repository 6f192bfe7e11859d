// The page that measures the engine in the visitor's browser.

import { GlanceError, load, models } from './glance.js';
import { supported } from './backend.js';
import { compile } from './modules.js';
import { hashed } from './urls.js';

/** The engine in the page's module, which visitors of the page have already. */
const urls = { engine: hashed(new URL('./page.wasm', import.meta.url), 'page.wasm') };

/** How one configuration is measured. */
const warmMs = 700;
const timedMs = 1500;
const profileRuns = 40;

/** @param {string} id */
const byId = (id) => /** @type {any} */ (document.getElementById(id));

/** @type {AbortController | undefined} */
let running;
/** @type {import('./glance').ModelEntry[]} */
let list = [];

byId('start').addEventListener('click', measure);
byId('cancel').addEventListener('click', () => running?.abort());
listModels();
import('./pwa.js').then(({ register }) => register(), () => {}); // it opens without a network, too

async function listModels() {
  try {
    list = await models();
    if (!list.length) throw new GlanceError('model-unknown', 'There are no models here: no weights were there when the site was built.');
    byId('model').replaceChildren(...list.map(({ name, title }) => new Option(title || name, name)));
    byId('model').disabled = false;
    byId('start').disabled = false;
    say('Nothing is uploaded. Close other programs for steady figures.');
  } catch (error) {
    say(describe(error));
  }
}

async function measure() {
  running = new AbortController();
  const { signal } = running;
  const entry = list.find(({ name }) => name === byId('model').value);
  busy(true);
  byId('engine-rows').replaceChildren();
  byId('steps').hidden = true;
  try {
    say('Measuring what the machine can do at most');
    const roof = await roofline(signal);
    const best = Math.max(0, ...Object.values(roof));
    byId('roofline').textContent = best ? `Roofline, one thread: ${Object.entries(roof).map(([name, rate]) => `${name} ${rate.toFixed(1)}`).join(', ')} GMAC/s.` : '';

    const plans = configurations();
    /** @type {{ms: number, steps: import('./glance').ProfileStep[], label: string} | undefined} */
    let fastest;
    for (const [i, { backend, threads }] of plans.entries()) {
      const label = `${backend}, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
      say(`Measuring ${label} (${i + 1} of ${plans.length})`);
      const result = await time({ model: entry?.name, backend, threads }, signal);
      if (!result) continue; // fewer threads started than asked for: that row is there already
      const macs = result.steps.reduce((sum, step) => sum + step.macs, 0);
      const rate = macs / quantile(result.times, 0.5) / 1e6;
      row('engine-rows', [backend, String(threads), quantile(result.times, 0.5).toFixed(2),
        `${quantile(result.times, 0.1).toFixed(2)} to ${quantile(result.times, 0.9).toFixed(2)}`,
        rate.toFixed(1), best ? `${Math.round(100 * rate / best / threads)} %` : '']);
      byId('engines').hidden = false;
      const ms = quantile(result.times, 0.5);
      if (!fastest || ms < fastest.ms) fastest = { ms, steps: result.steps, label };
    }
    if (fastest) showSteps(fastest.steps, fastest.label);
    say('Done.');
  } catch (error) {
    say(signal.aborted ? 'Cancelled.' : describe(error));
  } finally {
    busy(false);
  }
}

/** The backends this browser runs, each with one thread and, where it may, with several. */
function configurations() {
  const counts = [1];
  const cores = Math.min(navigator.hardwareConcurrency || 1, 4);
  if (crossOriginIsolated) for (let n = 2; n <= cores; n *= 2) counts.push(n);
  const kernels = supported().filter((backend) => backend !== 'go');
  return kernels.length
    ? kernels.flatMap((backend) => counts.map((threads) => ({ backend, threads })))
    : [{ backend: /** @type {const} */ ('go'), threads: 1 }];
}

/**
 * @param {import('./glance').LoadOptions} options
 * @param {AbortSignal} signal
 */
async function time(options, signal) {
  const classifier = await load({
    ...options,
    urls,
    keep: true,
    signal,
    onProgress: ({ loaded, total }) => Object.assign(byId('progress'), { value: loaded, max: total || 1 }),
  });
  byId('progress').removeAttribute('value');
  const stop = () => classifier.dispose();
  signal.addEventListener('abort', stop);
  try {
    const { height, width } = classifier.info();
    const input = Float32Array.from({ length: height * width * 3 }, (_, i) => ((i * 7919) % 1013) / 506.5 - 1);
    await repeat(() => classifier.run(input), warmMs);
    if (classifier.info().threads !== options.threads) return undefined;
    const times = await repeat(() => classifier.run(input).then(() => classifier.timing?.network ?? NaN), timedMs);
    return { times, steps: await classifier.profile({ runs: profileRuns }) };
  } finally {
    signal.removeEventListener('abort', stop);
    classifier.dispose();
  }
}

/**
 * @template T
 * @param {() => Promise<T>} call
 * @param {number} ms
 */
async function repeat(call, ms) {
  const results = [];
  const until = performance.now() + ms;
  while (results.length < 5 || performance.now() < until) results.push(await call());
  return results;
}

/**
 * GMAC/s of the loops that nothing on this machine can beat.
 *
 * @param {AbortSignal} signal
 */
async function roofline(signal) {
  /** @type {Record<string, number>} */
  const rates = {};
  for (const [backend, file] of [['simd128', 'roofline128'], ['relaxed', 'roofline_relaxed']]) {
    if (!supported().includes(/** @type {any} */ (backend))) continue;
    const module = await compile(hashed(new URL(`./kernels/${file}.wasm`, import.meta.url), `kernels/${file}.wasm`));
    const { exports } = await WebAssembly.instantiate(module);
    let best = 0;
    for (const [name, kernel] of Object.entries(exports)) {
      if (typeof kernel !== 'function') continue;
      const macs = /** @type {WebAssembly.Global} */ (exports[`${name}_macs`]).value;
      best = Math.max(best, await rate(/** @type {(n: number) => void} */ (kernel), macs));
      signal.throwIfAborted();
    }
    rates[backend] = best;
  }
  return rates;
}

/**
 * @param {(rounds: number) => void} kernel
 * @param {number} macs of a round
 */
async function rate(kernel, macs) {
  const slice = (/** @type {number} */ n) => {
    const begun = performance.now();
    kernel(n);
    return performance.now() - begun;
  };
  let n = 1000;
  while (slice(n) < 8) n *= 2;
  let best = 0;
  for (let i = 0; i < 10; i++) {
    await new Promise((resume) => setTimeout(resume)); // the page stays alive
    best = Math.max(best, n * macs / slice(n) / 1e6);
  }
  return best;
}

/**
 * @param {import('./glance').ProfileStep[]} steps
 * @param {string} label
 */
function showSteps(steps, label) {
  const total = steps.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  byId('steps-title').textContent = `Where the time goes: ${label}`;
  byId('step-rows').replaceChildren();
  for (const { name, milliseconds, macs } of steps) {
    row('step-rows', [name, milliseconds.toFixed(3), (macs / milliseconds / 1e6).toFixed(1), `${(100 * milliseconds / total).toFixed(1)} %`]);
  }
  byId('steps').hidden = false;
}

/**
 * @param {string} body
 * @param {string[]} cells
 */
function row(body, cells) {
  const tr = byId(body).insertRow();
  for (const text of cells) tr.insertCell().textContent = text;
}

/**
 * @param {number[]} values
 * @param {number} q
 */
function quantile(values, q) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.round(q * (sorted.length - 1))];
}

/** @param {boolean} on */
function busy(on) {
  byId('start').disabled = on;
  byId('model').disabled = on;
  byId('cancel').hidden = !on;
  byId('progress').hidden = !on;
}

/** @param {string} text */
function say(text) {
  byId('status').textContent = text;
}

/** @param {unknown} error */
function describe(error) {
  return error instanceof GlanceError ? error.message : `The measurement failed: ${error}`;
}
