// Weights and inputs by formula in JavaScript; formula.py says what the formula is.

function fnv1a32(text) {
  let h = 0x811c9dc5;
  for (const b of new TextEncoder().encode(text)) h = Math.imul(h ^ b, 0x01000193);
  return h >>> 0;
}

function fmix32(h) {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

function unit(seed, name, n) {
  const key = fnv1a32(`${seed}:${name}`);
  const u = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    u[i] = (fmix32(fmix32((i + 0x9e3779b9) >>> 0) ^ key) >>> 8) / 2 ** 24;
  }
  return u;
}

/** The values of a tensor of kind ["range", lo, hi] or ["zerosum", a, k, stride]. */
export function tensor(seed, name, shape, kind) {
  const u = unit(seed, name, shape.reduce((a, b) => a * b, 1));
  if (kind[0] === "range") return Float32Array.from(u, (x) => kind[1] + (kind[2] - kind[1]) * x);
  const [, a, k, s] = kind;
  return Float32Array.from(u, (x, i) => {
    const last = Math.floor(i / s) % k === k - 1;
    return (x - u[last ? i - (k - 1) * s : i + s]) * a;
  });
}

const triangle = (t) => Math.abs((t - Math.floor(t)) * 2 - 1) * 2 - 1;

/** A normalised input, [height][width][3] as TensorFlow lays it out. */
export function image(seed, height, width) {
  const noise = unit(seed, "input", 3 * height * width);
  const out = new Float32Array(3 * height * width);
  for (let c = 0; c < 3; c++) {
    const f = c + 1;
    for (let i = 0; i < height; i++) {
      const y = i / height;
      for (let j = 0; j < width; j++) {
        const x = j / width;
        const wave = triangle(x * f + y * 0.5) + triangle(y * (f * 2) - x * 1.5) * 0.5;
        out[(i * width + j) * 3 + c] = wave + (noise[(c * height + i) * width + j] * 2 - 1) * 0.5;
      }
    }
  }
  return out;
}

/** x to three digits, so that a listing shows the very number that is used. */
export const rounded = (x) => Number(x.toPrecision(3));
