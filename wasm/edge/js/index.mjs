// The worker. Everything that awaits is here: bodies, weights. Go answers
// synchronously, so that one instance serves all requests of the isolate.

import { discard, withBody } from './body.mjs';
import { Crash, Engine } from './engine.mjs';
import manifest from './manifest.mjs';
import { Refusal } from './refusal.mjs';
import { settings } from './settings.mjs';
import { readWeights } from './weights.mjs';

let config;
let current; // {engine, models: name -> promise of its being open, bytes of them, loading: how many are not open yet}

// running returns the engine, and boots it on first use: workerd gives no
// randomness, which Go asks for, outside of requests.
function running(env) {
  config ??= settings(env);
  if (!current || current.engine.broken) {
    current = { engine: new Engine(config, manifest), models: new Map(), bytes: 0, loading: 0 };
  }
  return current;
}

// opened returns a running engine that has the model loaded.
async function opened(name, env, ctx) {
  const model = manifest.find((m) => m.name === name);
  let now = running(env);
  while (!now.models.has(name) && now.models.size > 0 && now.bytes + model.memory > config.maxKernelBytes) {
    if (now.loading > 0) {
      // Requests wait for what is loading. Were it not for them, every one that names
      // another model would begin an engine, and all would be in memory.
      await Promise.allSettled(now.models.values());
    } else {
      current = undefined;
    }
    now = running(env);
  }
  let loading = now.models.get(name);
  if (!loading) {
    // Concurrent requests share one load; waitUntil keeps it alive when the
    // request that began it goes away.
    loading = load(now, model, env);
    now.models.set(name, loading);
    ctx.waitUntil(loading.catch(() => {}));
  }
  await loading;
  // Another request may have broken it in the meantime.
  return now.engine.broken ? opened(name, env, ctx) : now.engine;
}

async function load(now, model, env) {
  now.bytes += model.memory;
  now.loading++;
  try {
    now.engine.open(model.name, await readWeights(env, config.weightsSource, model));
  } catch (error) {
    now.bytes -= model.memory;
    now.models.delete(model.name);
    throw error;
  } finally {
    now.loading--;
  }
}

// The headers that the handler reads. Each one that crosses to Go costs some
// microseconds, and Cloudflare adds many.
const wanted = ['content-type', 'content-length', 'origin', 'access-control-request-method'];

async function answer(request, env, ctx) {
  const { method, url } = request;
  const headers = new Map(wanted.map((name) => [name, request.headers.get(name)]).filter(([, value]) => value !== null));
  const { engine } = running(env);
  const name = engine.wants(method, url);
  if (name === null) {
    await discard(request, config.maxBodyBytes);
    return running(env).engine.handle({ method, url, headers, body: null });
  }
  // The model is loaded while the body arrives, and may be gone again until it is
  // there: a slow client keeps no engine.
  opened(name, env, ctx).catch(() => {});
  return withBody(request, config.maxBodyBytes, config.maxBufferedBytes, async (body) => {
    try {
      const ready = await opened(name, env, ctx);
      return await ready.handle({ method, url, headers, body });
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      return running(env).engine.handle({ method, url, headers, body: error });
    }
  });
}

export default {
  async fetch(request, env, ctx) {
    try {
      return await answer(request, env, ctx);
    } catch (error) {
      console.error(error);
      const message = error instanceof Crash ? 'the engine stopped; the next request starts a new one' : error.message;
      return Response.json({ error: { code: 'internal', message } }, { status: 500 });
    }
  },
};
