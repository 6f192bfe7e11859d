// Calls the teaching module as a page's worker does and checks every answer.
//
//   node contract.mjs teach.wasm wasm_exec.js

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';

const [modulePath, supportPath] = process.argv.slice(2);
await import(pathToFileURL(supportPath).href);

async function start() {
  const go = new globalThis.Go();
  const { instance } = await WebAssembly.instantiate(await readFile(modulePath), go.importObject);
  const host = (globalThis.glanceTeachHost = {});
  go.run(instance);
  delete globalThis.glanceTeachHost;
  return host.teach;
}

/** Numbers that are the same in every run. */
function random(seed) {
  return () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };
}

const base = { name: 'mobilenet_v2', sha256: '0123456789abcdef'.repeat(4) };

/** Embeddings in which a class's own tenth of the features is larger. */
function examples(seed, classes, each, features) {
  const next = random(seed);
  const embeddings = new Float32Array(classes * each * features);
  const labels = [];
  for (let i = 0; i < classes * each; i++) {
    labels.push(Math.floor(i / each));
    for (let j = 0; j < features; j++) {
      embeddings[i * features + j] = Math.max(0, next() + next() - 0.8) + (j % 10 === labels[i] ? 0.4 * next() : 0);
    }
  }
  return { classes: Array.from({ length: classes }, (_, c) => `class ${c} ☕`), features, embeddings, labels, base };
}

function refused(answer, code, text) {
  assert.equal(answer?.code, code, JSON.stringify(answer));
  assert.match(answer.message, text);
}

const teach = await start();
const good = examples(1, 3, 10, 1280);

// Training: the answer, progress, and arguments that change after the call.
const steps = [];
const began = performance.now();
const copy = { ...good, embeddings: good.embeddings.slice(), labels: Uint8Array.from(good.labels) };
const promise = teach.train(copy, { progress: (done) => steps.push(done) });
assert.ok(promise instanceof Promise);
assert.equal(steps.length, 0, 'train computes before it returns');
copy.embeddings.fill(NaN);
copy.labels.fill(9);
const head = await promise;
console.log(`3 x 10 x 1280 trained in ${Math.round(performance.now() - began)} ms, the first time`);
assert.deepEqual(head.classes, good.classes);
assert.equal(head.features, 1280);
assert.deepEqual(head.base, base);
assert.ok(head.accuracy >= 0.95, `held-back accuracy ${head.accuracy}`);
assert.deepEqual(head.confusion.map((row) => row.reduce((a, b) => a + b)), [10, 10, 10]);
assert.equal(head.predicted.length, 30);
assert.ok(head.probability.every((p) => p > 0 && p <= 1));
assert.ok(head.threshold > 0 && head.threshold < 1);
assert.ok(steps.length >= 2 && steps[0] === 0 && steps.at(-1) === 1, `progress ${steps}`);
assert.deepEqual(steps, steps.toSorted((a, b) => a - b));

const again = performance.now();
const second = await teach.train(good);
console.log(`and in ${Math.round(performance.now() - again)} ms after that`);
assert.notEqual(second.head, head.head);

// Prediction, also on a view that does not start at 0; saving and loading.
const fresh = examples(2, 3, 5, 1280);
const embedding = (i) => fresh.embeddings.subarray(i * 1280, (i + 1) * 1280);
const file = teach.save(head.head);
assert.ok(file instanceof Uint8Array && file.length < 20_000, `${file.length} bytes`);
const loaded = teach.load(file, { ...base, name: 'renamed' });
const { predicted, probability, head: number, ...described } = head;
assert.deepEqual({ ...described, head: loaded.head }, loaded);
let right = 0;
for (let i = 0; i < 15; i++) {
  const p = teach.predict(head.head, embedding(i));
  assert.ok(p instanceof Float32Array && p.length === 3);
  assert.ok(Math.abs(p[0] + p[1] + p[2] - 1) < 1e-5);
  assert.deepEqual(teach.predict(loaded.head, embedding(i)), p);
  assert.deepEqual(teach.predict(second.head, embedding(i)), p, 'the same examples gave another head');
  if (p.indexOf(Math.max(...p)) === fresh.labels[i]) right++;
}
const found = teach.evaluate(loaded.head, fresh);
assert.equal(found.accuracy, right / 15);
assert.ok(right >= 14);
assert.deepEqual(found.predicted.length, 15);
assert.deepEqual(found.confusion.map((row) => row.reduce((a, b) => a + b)), [5, 5, 5]);

// What is wrong is said, and by code.
const { embeddings, labels } = good;
const changed = (change) => teach.train({ ...good, ...change });
refused(await changed({ classes: ['one'] }), 'too-few-classes', /at least 2/);
refused(await changed({ classes: Array(1e6).fill('x') }), 'too-many-classes', /at most 256/);
refused(await changed({ classes: ['a', 'a', 'b'] }), 'bad-class', /two classes have this name/);
refused(await changed({ labels: labels.map((c) => Math.min(c, 1)) }), 'too-few-examples', /"class 2 ☕": 0 examples/);
refused(await changed({ labels: labels.slice(1) }), 'bad-label', /29 labels for 30 embeddings/);
refused(await changed({ labels: labels.map((c) => c + 0.5) }), 'bad-label', /example 0/);
refused(await changed({ labels: labels.map((c) => c + 1) }), 'bad-label', /has the label 3/);
refused(await changed({ features: 1281 }), 'bad-length', /whole number of embeddings/);
refused(await changed({ features: 0 }), 'bad-length', /0 features/);
refused(await changed({ features: NaN }), 'bad-length', /NaN features/);
refused(await changed({ embeddings: embeddings.map((v, i) => (i === 5000 ? NaN : v)) }), 'not-finite', /example 3: value 1160/);
refused(await changed({ embeddings: embeddings.fill.call(embeddings.slice(), 1) }), 'no-variation', /pictures that differ/);
refused(await changed({ embeddings: new Float32Array(2 ** 23 + 1) }), 'too-many-examples', /at most 8388608/);
refused(await changed({ base: { ...base, sha256: 'abc' } }), 'bad-base', /64 lower-case/);
for (const wrong of [undefined, null, 7, 'x', () => {}, [], { classes: [] }]) {
  refused(await teach.train(wrong), 'bad-input', /^teach: /);
}
for (const change of [
  { classes: undefined }, { classes: [1, 2, 3] }, { classes: {} }, { features: '1280' }, { embeddings: [...embeddings] }, { embeddings: new Float64Array(1280) },
  { labels: null }, { labels: 'abc' }, { labels: {} }, { labels: labels.map(String) }, { base: undefined }, { base: { name: 'x' } },
]) refused(await changed(change), 'bad-input', /^teach: /);
refused(await teach.train(good, 5), 'bad-input', /options/);
refused(await teach.train(good, { progress: 5 }), 'bad-input', /progress/);
refused(await teach.train(good, { signal: 5 }), 'bad-input', /signal/);
refused(await teach.train(good, { progress() { throw new Error('from the page'); } }), 'bad-input', /from the page/);

refused(teach.predict(head.head, embedding(0).subarray(1)), 'bad-length', /1279 values, want 1280/);
refused(teach.predict(head.head, new Float32Array(1280).fill(Infinity)), 'not-finite', /value 0/);
refused(teach.predict(head.head, [1, 2]), 'bad-input', /Float32Array wanted/);
refused(teach.predict(999, embedding(0)), 'bad-input', /no head 999/);
refused(teach.predict(), 'bad-input', /number wanted/);
refused(teach.evaluate(head.head, { ...fresh, labels: [] }), 'bad-label', /0 labels/);
refused(teach.save(-1), 'bad-input', /no head/);

const elsewhere = { name: 'mobilenet_v1', sha256: 'f'.repeat(64) };
const answer = teach.load(file, elsewhere);
refused(answer, 'wrong-network', /taught on "mobilenet_v2".*"mobilenet_v1"/);
assert.deepEqual(answer.base, base);
refused(teach.load(file), 'bad-input', /base/);
refused(teach.load([...file], base), 'bad-input', /Uint8Array wanted/);
refused(teach.load(file.subarray(0, 100), base), 'head-format', /head file/);
refused(teach.load(new Uint8Array(), base), 'head-format', /0 bytes/);
const end = 8 + new DataView(file.buffer).getUint32(0, true);
for (let at = 0; at < end; at++) { // a damaged header never passes as another head
  const damaged = file.slice();
  damaged[at] ^= 0x80;
  refused(teach.load(damaged, base), 'head-format', /head file/);
}

assert.equal(teach.rename(loaded.head, ['cup', 'pen', 'nothing']), true);
assert.deepEqual(teach.load(teach.save(loaded.head), base).classes, ['cup', 'pen', 'nothing']);
assert.deepEqual(teach.predict(loaded.head, embedding(0)), teach.predict(head.head, embedding(0)));
refused(teach.rename(loaded.head, ['cup', 'cup', 'pen']), 'bad-class', /two classes have this name/);
refused(teach.rename(loaded.head, ['cup', 'pen']), 'bad-class', /2 names for a head of 3 classes/);
refused(teach.rename(loaded.head), 'bad-input', /classes: Array wanted/);

assert.equal(teach.release(second.head), true);
refused(teach.release(second.head), 'bad-input', /no head/);
refused(teach.predict(second.head, embedding(0)), 'bad-input', /released/);

// Cancelling, while other events are handled and other calls answered.
const slow = examples(3, 8, 100, 1280);
refused(await teach.train(slow, { signal: AbortSignal.abort() }), 'aborted', /aborted/);
const abort = new AbortController();
let cancelled;
let ticks = 0;
const ticking = setInterval(() => ticks++, 5);
setTimeout(() => {
  assert.equal(teach.predict(head.head, embedding(0)).length, 3);
  cancelled = performance.now();
  abort.abort();
}, 200);
refused(await teach.train(slow, { signal: abort.signal }), 'aborted', /aborted/);
console.log(`training 8 x 100 x 1280 stopped ${Math.round(performance.now() - cancelled)} ms after it was aborted; ${ticks} other events before`);
assert.ok(ticks >= 1);
clearInterval(ticking);

console.log('ok');
process.exit();
