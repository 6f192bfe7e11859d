// The example: a form that refuses pictures by what the model for content
// moderation says of them.

import { classifyFile, classifyPixels } from './classify.mjs';

// A picture is refused where a class is at least this probable. Set the limits to
// what your users may see; with other models, no picture is.
const limits = { porn: 0.5, hentai: 0.5, sexy: 0.85 };

const preferred = 'nsfw_mobilenet_v2'; // or the worker's default, where it is not deployed

const form = document.getElementById('form');
const status = document.getElementById('status');
const results = document.getElementById('results');
let model;

document.getElementById('snippet').textContent = `const response = await fetch('${location.origin}/classify', { method: 'POST', body: file });
const { predictions } = await response.json();
// [{ className: "neutral", probability: 0.98 }, ...]`;

form.addEventListener('submit', async (event) => {
  event.preventDefault();
  const button = form.querySelector('button');
  button.disabled = true;
  results.replaceChildren();
  try {
    for (const [i, file] of [...form.files.files].entries()) {
      status.textContent = `Checking ${i + 1} of ${form.files.files.length}...`;
      results.append(await check(file));
    }
    status.textContent = 'Done.';
  } finally {
    button.disabled = false;
  }
});

// check returns the list item for a file.
async function check(file) {
  const started = performance.now();
  let answer;
  try {
    model ??= await choose();
    answer = form.send.value === 'file' ? await classifyFile(file, { model: model.name }) : await classifyPixels(file, model);
  } catch (error) {
    return item(file, 'refused', 'Could not be checked', error.message);
  }
  const ms = Math.round(performance.now() - started);
  const shown = answer.predictions.slice(0, 3).map((p) => `${p.className} ${(100 * p.probability).toFixed(1)} %`);
  const reason = answer.predictions.find((p) => p.probability >= (limits[p.className] ?? Infinity));
  const verdict = reason ? `Not accepted: ${reason.className}` : 'Accepted';
  return item(file, reason ? 'refused' : 'taken', verdict, `${shown.join(', ')} (${ms} ms with upload)`);
}

async function choose() {
  const { models } = await (await fetch('/models')).json();
  return models.find(({ name }) => name === preferred) ?? models[0];
}

function item(file, kind, verdict, detail) {
  const li = document.createElement('li');
  li.className = kind;
  const image = document.createElement('img');
  image.alt = '';
  image.src = URL.createObjectURL(file);
  image.onload = image.onerror = () => URL.revokeObjectURL(image.src);
  const text = document.createElement('div');
  for (const [name, content] of [['name', file.name], ['verdict', verdict], ['detail', detail]]) {
    const p = document.createElement('p');
    p.className = name;
    p.textContent = content;
    text.append(p);
  }
  li.append(image, text);
  return li;
}
