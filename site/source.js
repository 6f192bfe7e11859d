import { GlanceError } from './errors.js';

/**
 * Something to classify.
 *
 * @typedef {HTMLImageElement | HTMLVideoElement | HTMLCanvasElement | OffscreenCanvas |
 *   ImageBitmap | ImageData | VideoFrame | Blob} Source
 */

/**
 * A source as the engine takes it: it can be posted to another thread, and its
 * picture no longer changes. The engine closes it after use unless it is borrowed.
 *
 * @typedef {{picture: ImageBitmap | VideoFrame | ImageData | Blob, borrowed: boolean}} Captured
 */

/**
 * Whether a value is an instance of a class that this browser or thread may not have.
 *
 * @param {unknown} value
 * @param {string} name
 */
function is(value, name) {
  const type = /** @type {any} */ (globalThis)[name];
  return typeof type === 'function' && value instanceof type;
}

/**
 * Takes a snapshot of a source at this moment.
 *
 * @param {Source} source
 * @param {boolean} moves whether the snapshot goes to another thread; where it does
 *   not, an ImageBitmap or VideoFrame is used as it is
 * @returns {Promise<Captured>}
 */
export async function capture(source, moves) {
  try {
    if (is(source, 'ImageData') || is(source, 'Blob')) {
      return { picture: /** @type {ImageData | Blob} */ (source), borrowed: true };
    }
    if (is(source, 'VideoFrame')) {
      const frame = /** @type {VideoFrame} */ (source);
      if (frame.format === null && frame.codedWidth === 0) throw new GlanceError('bad-input', 'The VideoFrame is closed.');
      return moves ? { picture: frame.clone(), borrowed: false } : { picture: frame, borrowed: true };
    }
    if (is(source, 'ImageBitmap')) {
      const bitmap = /** @type {ImageBitmap} */ (source);
      if (bitmap.width === 0) throw new GlanceError('bad-input', 'The ImageBitmap is closed.');
      return moves ? { picture: await createImageBitmap(bitmap), borrowed: false } : { picture: bitmap, borrowed: true };
    }
    if (is(source, 'HTMLVideoElement')) return { picture: await videoFrame(/** @type {HTMLVideoElement} */ (source)), borrowed: false };
    if (is(source, 'HTMLImageElement')) return { picture: await imageElement(/** @type {HTMLImageElement} */ (source)), borrowed: false };
    if (is(source, 'HTMLCanvasElement') || is(source, 'OffscreenCanvas')) {
      const canvas = /** @type {HTMLCanvasElement | OffscreenCanvas} */ (source);
      if (canvas.width === 0 || canvas.height === 0) throw new GlanceError('bad-input', 'The canvas is empty: its width or height is 0.');
      return { picture: await createImageBitmap(canvas), borrowed: false };
    }
  } catch (cause) {
    throw refusal(cause);
  }
  throw new GlanceError('bad-input', `A source must be an image, video or canvas element, an OffscreenCanvas, ImageBitmap, ImageData, VideoFrame, Blob or File, not ${describe(source)}.`);
}

/**
 * Turns what the browser throws over a picture into an error that says what to do.
 *
 * @param {unknown} cause
 */
export function refusal(cause) {
  if (cause instanceof GlanceError) return cause;
  const { name, message } = /** @type {Error} */ (cause);
  if (name === 'SecurityError' || name === 'DataCloneError') {
    return new GlanceError('bad-input', 'The picture comes from another site, which does not allow reading it: load it with crossorigin="anonymous" from a server that sends Access-Control-Allow-Origin.', cause);
  }
  if (name === 'InvalidStateError' || name === 'EncodingError') {
    return new GlanceError('bad-input', 'The picture could not be decoded: it is damaged or of a kind this browser does not show.', cause);
  }
  return new GlanceError('bad-input', `The picture could not be read: ${message}`, cause);
}

/** @param {HTMLVideoElement} video */
async function videoFrame(video) {
  if (video.readyState < HTMLMediaElement.HAVE_CURRENT_DATA) {
    throw new GlanceError('bad-input', 'The video has no picture yet: wait for its loadeddata event.');
  }
  return typeof VideoFrame === 'function' ? new VideoFrame(video) : createImageBitmap(video);
}

/** @param {HTMLImageElement} image */
async function imageElement(image) {
  if (!image.complete) await image.decode();
  if (!image.naturalWidth) throw new GlanceError('bad-input', 'The image element shows no picture: its address is missing or wrong.');
  return createImageBitmap(image);
}

/** @param {unknown} value */
function describe(value) {
  if (value === null || typeof value !== 'object') return String(value);
  return value.constructor?.name ?? 'an object';
}
