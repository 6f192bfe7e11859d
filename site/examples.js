// The page of examples: shows the modules of examples/ and runs them.

import { GlanceError } from './glance.js';

/**
 * The examples, in the order of the page. Files beside the first are what it starts.
 *
 * @type {{files: string[], title: string, about: string}[]}
 */
const examples = [
  { files: ['classify'], title: 'Classify a picture', about: 'An img element, and what load finds by itself.' },
  { files: ['progress'], title: 'Progress, cancel, preload', about: 'preload fetches and compiles; load then only starts.' },
  { files: ['labels'], title: 'Own names and a threshold', about: 'For a network of your own, or to say it in another language.' },
  { files: ['camera'], title: 'The camera', about: 'Two seconds of it. A video element is read at the time of each call.' },
  { files: ['frames'], title: 'Bitmaps and raw pixels', about: 'What is given up with transfer is not copied.' },
  { files: ['embed'], title: 'How alike are two pictures?', about: 'By the angle between their embeddings.' },
  { files: ['several'], title: 'Several models at once', about: 'Each has its own engine; they share the compiled code.' },
  { files: ['worker', 'worker-side'], title: 'In a module worker', about: 'The page draws, the worker decides.' },
  { files: ['teach'], title: 'Teach your own classes', about: 'A classifier of embeddings, trained in this page.' },
  { files: ['compat'], title: 'Code for @tensorflow-models/mobilenet', about: 'The same calls, another import.' },
  { files: ['errors'], title: 'Errors', about: 'Each has a code for programs and a message for people.' },
];

const image = /** @type {HTMLImageElement} */ (document.getElementById('image'));

/** The code of each example, as it was fetched. @type {Map<string, string>} */
const sources = new Map();

/** @param {string} file */
const urlOf = (file) => new URL(`./examples/${file}.js`, import.meta.url).href;

/** @param {(typeof examples)[number]} example */
function show({ files, title, about }) {
  const [id] = files;
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById('example'));
  const section = /** @type {HTMLElement} */ (/** @type {DocumentFragment} */ (template.content.cloneNode(true)).firstElementChild);
  const part = (/** @type {string} */ selector) => /** @type {HTMLElement} */ (section.querySelector(selector));
  section.id = id;
  part('h2').id = `${id}-title`;
  part('h2').textContent = title;
  section.setAttribute('aria-labelledby', `${id}-title`);
  part('.about').textContent = about;
  for (const file of files) part('.code').append(...listing(file));
  const run = /** @type {HTMLButtonElement} */ (part('.run'));
  run.setAttribute('aria-describedby', `${id}-title`);
  run.addEventListener('click', () => runExample(id, run, part('.output')));
  const copy = /** @type {HTMLButtonElement} */ (part('.copy'));
  copy.setAttribute('aria-describedby', `${id}-title`);
  copy.addEventListener('click', () => copyCode(files, copy));
  /** @type {HTMLElement} */ (document.getElementById('list')).append(section);

  const link = Object.assign(document.createElement('a'), { href: `#${id}`, textContent: title });
  const item = document.createElement('li');
  item.append(link);
  /** @type {HTMLElement} */ (document.getElementById('contents')).append(item);
}

/**
 * A file's name and its code, which is fetched from where it is imported from.
 *
 * @param {string} file
 */
function listing(file) {
  const name = Object.assign(document.createElement('p'), { className: 'name', textContent: `${file}.js` });
  const pre = Object.assign(document.createElement('pre'), { tabIndex: 0 });
  pre.setAttribute('role', 'region');
  pre.setAttribute('aria-label', `Code of ${file}.js`);
  const code = document.createElement('code');
  pre.append(code);
  fetch(urlOf(file)).then(async (response) => {
    if (!response.ok) throw new Error(`the server answered ${response.status}`);
    sources.set(file, await response.text());
    code.textContent = /** @type {string} */ (sources.get(file));
  }).catch((error) => { code.textContent = `The code could not be fetched: ${error.message}.`; });
  return [name, pre];
}

/**
 * @param {string} file
 * @param {HTMLButtonElement} button
 * @param {HTMLElement} output
 */
async function runExample(file, button, output) {
  const print = (/** @type {string} */ line) => output.append(`${line}\n`);
  button.disabled = true;
  output.ariaBusy = 'true'; // it is read out when it is complete
  output.classList.remove('failed');
  output.hidden = false;
  output.textContent = '';
  try {
    await image.decode();
    const { run } = await import(urlOf(file));
    await run({ image, print });
    if (!output.textContent) print('It has nothing to say.');
  } catch (error) {
    output.classList.add('failed');
    print(error instanceof GlanceError ? `${error.code}: ${error.message}` : String(error));
  } finally {
    output.ariaBusy = 'false';
    button.disabled = false;
  }
}

/**
 * @param {string[]} files
 * @param {HTMLButtonElement} button
 */
async function copyCode(files, button) {
  const text = files.map((file) => (files.length > 1 ? `// ${file}.js\n` : '') + (sources.get(file) ?? '')).join('\n');
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = 'Copied';
  } catch {
    button.textContent = 'The browser does not allow it';
  }
  setTimeout(() => { button.textContent = 'Copy the code'; }, 2000);
}

const sample = /** @type {HTMLSelectElement} */ (document.getElementById('sample'));
const file = /** @type {HTMLInputElement} */ (document.getElementById('file'));
sample.addEventListener('change', () => showPicture(`samples/${sample.value}.jpg`));
file.addEventListener('change', () => {
  const [picture] = file.files ?? [];
  if (!picture) return;
  showPicture(URL.createObjectURL(picture));
  sample.value = '';
  file.value = ''; // the same file can be chosen again
});

/** @param {string} url */
function showPicture(url) {
  if (image.src.startsWith('blob:')) URL.revokeObjectURL(image.src);
  image.src = url;
}

examples.forEach(show);
import('./pwa.js').then(({ register }) => register(), () => {}); // a new version of the site reloads this page too
if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
