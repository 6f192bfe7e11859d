// The worker's settings: wrangler's vars, checked once for an isolate.

const MiB = 1 << 20;

export const sources = ["assets", "r2", "kv"];
export const backends = ["simd128", "relaxed"];

// settings reads the vars of env. Times are not among them: the platform
// limits those.
export function settings(env) {
  return {
    defaultModel: env.DEFAULT_MODEL ?? "",
    backend: choice(env, "BACKEND", backends),
    weightsSource: choice(env, "WEIGHTS_SOURCE", sources),
    origins: (env.CORS_ORIGINS ?? "").split(",").map((s) => s.trim()).filter(Boolean),
    maxBodyBytes: whole(env, "MAX_BODY_BYTES", 8 * MiB),
    maxPixels: whole(env, "MAX_PIXELS", 16_000_000),
    // What bodies of requests in flight, and a picture being decoded, may hold.
    // An isolate has 128 MB for everything.
    maxBufferedBytes: whole(env, "MAX_BUFFERED_BYTES", 24 * MiB),
    maxDecodeBytes: whole(env, "MAX_DECODE_BYTES", 32 * MiB),
    // Packed weights and activations of all models together; past it the engine
    // starts afresh with the model that is asked for.
    maxKernelBytes: whole(env, "MAX_KERNEL_BYTES", 64 * MiB),
  };
}

function choice(env, name, allowed) {
  const value = env[name] ?? allowed[0];
  if (!allowed.includes(value)) throw new Error(`${name} is ${JSON.stringify(value)}, want one of ${allowed.join(", ")}`);
  return value;
}

function whole(env, name, fallback) {
  const value = Number(env[name] ?? fallback);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`${name} is ${JSON.stringify(env[name])}, want a whole number from 1`);
  return value;
}
