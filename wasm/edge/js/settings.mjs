// The worker's settings: wrangler's vars, checked once for an isolate.

const MiB = 1 << 20;

export const sources = ['assets', 'r2', 'kv'];
export const backends = ['simd128', 'relaxed'];

// settings reads the vars of env. Times are not among them: the platform
// limits those.
export function settings(env) {
  return {
    defaultModel: env.DEFAULT_MODEL ?? '',
    backend: choice(env, 'BACKEND', backends),
    weightsSource: choice(env, 'WEIGHTS_SOURCE', sources),
    origins: (env.CORS_ORIGINS ?? '').split(',').map((s) => s.trim()).filter(Boolean),
    maxBodyBytes: whole(env, 'MAX_BODY_BYTES', 8 * MiB),
    maxPixels: whole(env, 'MAX_PIXELS', 16_000_000),
    // An isolate has 128 MB for everything: these three, up to 26 MiB for a JPEG
    // being decoded, some MiB for the picture being resized, and Go's own. What Go
    // decodes at once leaves its memory with about three times that, as it never
    // shrinks.
    maxBufferedBytes: whole(env, 'MAX_BUFFERED_BYTES', 16 * MiB), // bodies of requests in flight
    maxDecodeBytes: whole(env, 'MAX_DECODE_BYTES', 16 * MiB), // a GIF, a WebP, a PNG that is not plain
    maxKernelBytes: whole(env, 'MAX_KERNEL_BYTES', 40 * MiB), // loaded models; past it all but one are dropped
  };
}

function choice(env, name, allowed) {
  const value = env[name] ?? allowed[0];
  if (!allowed.includes(value)) throw new Error(`${name} is ${JSON.stringify(value)}, want one of ${allowed.join(', ')}`);
  return value;
}

function whole(env, name, fallback) {
  const value = Number(env[name] ?? fallback);
  if (!Number.isSafeInteger(value) || value < 1) throw new Error(`${name} is ${JSON.stringify(env[name])}, want a whole number from 1`);
  return value;
}
