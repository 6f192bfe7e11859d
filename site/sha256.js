/**
 * SHA-256 (FIPS 180-4), for pages on insecure origins, where crypto.subtle does
 * not exist. Loaded only there.
 *
 * @param {Uint8Array} message
 * @returns {Uint8Array} 32 bytes
 */
export function sha256(message) {
  const { initial, round } = constants();
  const hash = Int32Array.from(initial);
  const schedule = new Int32Array(64);

  const length = message.length;
  const whole = length - (length % 64);
  const view = new DataView(message.buffer, message.byteOffset, length);
  for (let at = 0; at < whole; at += 64) compress(hash, schedule, round, view, at);

  const tail = new Uint8Array(length % 64 < 56 ? 64 : 128);
  tail.set(message.subarray(whole));
  tail[length % 64] = 0x80;
  const end = new DataView(tail.buffer);
  end.setUint32(tail.length - 8, Math.floor(length / 0x20000000));
  end.setUint32(tail.length - 4, (length << 3) >>> 0);
  for (let at = 0; at < tail.length; at += 64) compress(hash, schedule, round, end, at);

  const digest = new DataView(new ArrayBuffer(32));
  hash.forEach((word, i) => digest.setInt32(4 * i, word));
  return new Uint8Array(digest.buffer);
}

/**
 * The first 32 fractional bits of the square roots of the first 8 primes and of
 * the cube roots of the first 64 (sections 5.3.3 and 4.2.2).
 */
function constants() {
  /** @type {number[]} */
  const primes = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);
  const fraction = (/** @type {number} */ x) => ((x - Math.floor(x)) * 0x100000000) | 0;
  return { initial: primes.slice(0, 8).map((p) => fraction(Math.sqrt(p))), round: primes.map((p) => fraction(Math.cbrt(p))) };
}

/**
 * Takes one block of 64 bytes into the hash (section 6.2.2).
 *
 * @param {Int32Array} hash 8 words
 * @param {Int32Array} w 64 words, overwritten
 * @param {number[]} k round constants
 * @param {DataView} block
 * @param {number} at
 */
function compress(hash, w, k, block, at) {
  for (let t = 0; t < 16; t++) w[t] = block.getInt32(at + 4 * t);
  for (let t = 16; t < 64; t++) {
    const x = w[t - 15];
    const y = w[t - 2];
    const s0 = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3);
    const s1 = rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10);
    w[t] = (w[t - 16] + s0 + w[t - 7] + s1) | 0;
  }
  let [a, b, c, d, e, f, g, h] = hash;
  for (let t = 0; t < 64; t++) {
    const t1 = (h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & f) ^ (~e & g)) + k[t] + w[t]) | 0;
    const t2 = ((rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + t1) | 0;
    d = c;
    c = b;
    b = a;
    a = (t1 + t2) | 0;
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => { hash[i] = (hash[i] + word) | 0; });
}

/** @param {number} x @param {number} n */
function rotate(x, n) {
  return (x >>> n) | (x << (32 - n));
}
