// Reading request bodies, within limits. It is done here and not in Go: a read
// awaits, and what awaits inside one Go instance cannot be shared by requests.

import { Refusal } from './refusal.mjs';

const firstBuffer = 16 * 1024; // bytes that a body takes before any has arrived

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
    return await use(await read(request, declared || limit + 1, hold));
  } finally {
    hold.release();
  }
}

// read returns at most most bytes of a body. It takes memory as they arrive: what a
// client says that it will send may never come.
async function read(request, most, hold) {
  const reader = request.body.getReader({ mode: 'byob' });
  let bytes = new Uint8Array(0);
  let length = 0;
  for (;;) {
    if (length === bytes.length) {
      const size = Math.min(Math.max(2 * length, firstBuffer), most);
      const refusal = hold.take(size - length);
      if (refusal) {
        reader.releaseLock();
        await discard(request, most);
        return refusal;
      }
      const larger = new Uint8Array(size);
      larger.set(bytes);
      bytes = larger;
    }
    let chunk;
    try {
      chunk = await reader.read(bytes.subarray(length)); // which takes the buffer away, and gives it back
    } catch (error) {
      return endedEarly(error);
    }
    bytes = new Uint8Array(chunk.value.buffer);
    length += chunk.value.length;
    if (chunk.done) return bytes.subarray(0, length);
    if (length === most) {
      reader.releaseLock();
      await discard(request, most);
      return bytes;
    }
  }
}

function endedEarly(error) {
  return new Refusal('bad_request', `the body ended early: ${error.message}`);
}

// discard reads a body that nobody needs, within limits: a client that is still
// sending may not look at the answer.
export async function discard(request, limit) {
  if (request.body === null) return;
  const reader = request.body.getReader();
  try {
    for (let length = 0; length < 4 * limit; ) {
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
