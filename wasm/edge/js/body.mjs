// Reading request bodies, within limits. It is done here and not in Go: a read
// awaits, and what awaits inside one Go instance cannot be shared by requests.

import { Refusal } from './refusal.mjs';

const firstBuffer = 64 * 1024; // bytes, for bodies that do not say how long they are

let buffered = 0; // bytes of bodies that requests in flight hold

// withBody reads the body of a request and returns what use makes of it. Use gets
// a Uint8Array of at most limit + 1 bytes (one too many says that there were
// more), or a Refusal. The bytes count against the isolate's budget until use has
// ended.
export async function withBody(request, limit, budget, use) {
  const declared = Number(request.headers.get('content-length')) || 0;
  if (request.body === null || declared > limit) {
    await discard(request, limit);
    return use(new Uint8Array(0)); // Go refuses by what is declared
  }
  const hold = new Hold(budget);
  try {
    return await use(await (declared > 0 ? readKnown(request, declared, hold) : readUnknown(request, limit, hold)));
  } finally {
    hold.release();
  }
}

// readKnown reads a body that says how long it is, which the runtime enforces.
async function readKnown(request, declared, hold) {
  const refusal = hold.take(declared);
  if (refusal) {
    await discard(request, declared);
    return refusal;
  }
  try {
    return new Uint8Array(await request.arrayBuffer());
  } catch (error) {
    return endedEarly(error);
  }
}

// readUnknown reads a body that just comes.
async function readUnknown(request, limit, hold) {
  const reader = request.body.getReader();
  let bytes = new Uint8Array(0);
  let length = 0;
  for (;;) {
    let chunk;
    try {
      chunk = await reader.read();
    } catch (error) {
      return endedEarly(error);
    }
    const { done, value } = chunk;
    if (done) return bytes.subarray(0, length);
    if (length + value.length > bytes.length) {
      const size = Math.min(Math.max(2 * bytes.length, length + value.length, firstBuffer), limit + 1);
      const refusal = hold.take(size - bytes.length);
      if (refusal) {
        await readOn(reader, length, limit);
        return refusal;
      }
      const larger = new Uint8Array(size);
      larger.set(bytes.subarray(0, length));
      bytes = larger;
    }
    const room = value.subarray(0, bytes.length - length);
    bytes.set(room, length);
    length += room.length;
    if (length > limit) {
      await readOn(reader, length, limit);
      return bytes.subarray(0, length);
    }
  }
}

function endedEarly(error) {
  return new Refusal('bad_request', `the body ended early: ${error.message}`);
}

// discard reads a body that nobody needs, within limits: a client that is still
// sending may not look at the answer.
export async function discard(request, limit) {
  if (request.body !== null) await readOn(request.body.getReader(), 0, limit);
}

async function readOn(reader, length, limit) {
  try {
    while (length < 4 * limit) {
      const { done, value } = await reader.read();
      if (done) return;
      length += value.length;
    }
    await reader.cancel();
  } catch {
    // The client has gone.
  }
}

class Hold {
  #held = 0;
  #budget;

  constructor(budget) {
    this.#budget = budget;
  }

  // take returns a Refusal where there is no room.
  take(bytes) {
    if (buffered + bytes > this.#budget) {
      return new Refusal('busy', 'too many uploads are in memory at the same time; try again in a moment');
    }
    buffered += bytes;
    this.#held += bytes;
  }

  release() {
    buffered -= this.#held;
    this.#held = 0;
  }
}
