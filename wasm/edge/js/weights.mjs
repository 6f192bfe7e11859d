// Where weights come from, and the check that they are the right ones.

import { Refusal } from './refusal.mjs';

// readWeights returns the blob of a model, an entry of the manifest
// {name, file, bytes, sha256}.
export async function readWeights(env, source, model) {
  let blob;
  try {
    blob = await readers[source](env, model.file);
  } catch (error) {
    throw new Refusal('weights_unavailable', `the weights of ${model.name} cannot be read: ${error.message}`);
  }
  if (blob.byteLength !== model.bytes) {
    throw new Refusal('weights_mismatch',
      `the weights of ${model.name} have ${blob.byteLength} bytes, ${model.bytes} are expected; deploy them again`);
  }
  const digest = hex(await crypto.subtle.digest('SHA-256', blob));
  if (digest !== model.sha256) {
    throw new Refusal('weights_mismatch',
      `the weights of ${model.name} have sha-256 ${digest}, ${model.sha256} is expected; deploy them again`);
  }
  return new Uint8Array(blob);
}

const readers = {
  async assets(env, file) {
    const url = `https://assets.local/weights/${file}`;
    const response = await binding(env, 'ASSETS').fetch(url);
    if (!response.ok) throw new Error(`ASSETS answers ${response.status} for /weights/${file}`);
    return response.arrayBuffer();
  },
  async r2(env, file) {
    const object = await binding(env, 'WEIGHTS').get(file);
    if (object === null) throw new Error(`the R2 bucket WEIGHTS has no object ${file}`);
    return object.arrayBuffer();
  },
  async kv(env, file) {
    const value = await binding(env, 'WEIGHTS').get(file, 'arrayBuffer');
    if (value === null) throw new Error(`the KV namespace WEIGHTS has no key ${file}`);
    return value;
  },
};

function binding(env, name) {
  if (env[name] === undefined) throw new Error(`the worker has no binding ${name}; see wrangler.jsonc`);
  return env[name];
}

function hex(buffer) {
  return Array.from(new Uint8Array(buffer), (b) => b.toString(16).padStart(2, '0')).join('');
}
