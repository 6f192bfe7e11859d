import { GlanceError } from './errors.js';

/**
 * Something to classify.
 *
 * @typedef {HTMLImageElement | HTMLVideoElement | HTMLCanvasElement | OffscreenCanvas |
 *   ImageBitmap | ImageData | VideoFrame | Blob | import('./glance').Pixels} Source
 */

/**
 * A source as the engine takes it: its picture no longer changes. It is the
 * engine's, which moves it to another thread and closes it after use.
 *
 * @typedef {ImageBitmap | VideoFrame | ImageData | Blob} Picture
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
 * Takes a snapshot of a source at this moment, but of an image that still loads when it is there.
 *
 * @param {Source} source
 * @param {boolean} [given] whether the caller gives the source up, so that nothing is copied
 * @returns {Promise<Picture>}
 */
export async function capture(source, given) {
  try {
    if (is(source, 'Blob')) return /** @type {Blob} */ (source);
    if (is(source, 'ImageData')) {
      const image = /** @type {any} */ (source);
      return given ? image : new ImageData(image.data.slice(), image.width, image.height, image); // its settings
    }
    const pixels = fromPixels(source, given);
    if (pixels) return pixels;
    if (is(source, 'VideoFrame')) {
      const frame = /** @type {VideoFrame} */ (source);
      if (frame.format === null && frame.codedWidth === 0) throw new GlanceError('bad-input', 'The VideoFrame is closed.');
      return given ? frame : frame.clone();
    }
    if (is(source, 'ImageBitmap')) {
      const bitmap = /** @type {ImageBitmap} */ (source);
      if (bitmap.width === 0) throw new GlanceError('bad-input', 'The ImageBitmap is closed.');
      return given ? bitmap : await createImageBitmap(bitmap);
    }
    if (is(source, 'HTMLVideoElement')) return await videoFrame(/** @type {HTMLVideoElement} */ (source));
    if (is(source, 'HTMLImageElement')) return await imageElement(/** @type {HTMLImageElement} */ (source));
    if (is(source, 'HTMLCanvasElement') || is(source, 'OffscreenCanvas')) {
      const canvas = /** @type {HTMLCanvasElement | OffscreenCanvas} */ (source);
      if (canvas.width === 0 || canvas.height === 0) throw new GlanceError('bad-input', 'The canvas is empty: its width or height is 0.');
      const taken = given && is(source, 'OffscreenCanvas');
      return taken ? /** @type {OffscreenCanvas} */ (canvas).transferToImageBitmap() : await createImageBitmap(canvas);
    }
  } catch (cause) {
    throw refusal(cause);
  }
  throw new GlanceError('bad-input', `A source must be an image, video or canvas element, an OffscreenCanvas, ImageBitmap, ImageData, VideoFrame, Blob, File or {data, width, height}, not ${describe(source)}.`);
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
  const { naturalWidth, naturalHeight } = image;
  if (!naturalWidth) throw new GlanceError('bad-input', 'The image element shows no picture: its address is missing or wrong.');
  try {
    return await createImageBitmap(image);
  } catch (cause) {
    if (/** @type {Error} */ (cause).name !== 'InvalidStateError') throw cause;
    // An SVG without a size of its own has to be given one.
    return createImageBitmap(image, { resizeWidth: naturalWidth, resizeHeight: naturalHeight });
  }
}

/**
 * Raw pixels as ImageData, on a copy of them unless they are given up.
 *
 * @param {any} source
 * @param {boolean} [given]
 * @returns {ImageData | undefined} undefined where the source is something else
 */
function fromPixels(source, given) {
  const { data, width, height } = source ?? {};
  if (!(data instanceof ArrayBuffer || data instanceof Uint8Array || data instanceof Uint8ClampedArray)) return undefined;
  if (!(width >= 1 && height >= 1 && data.byteLength === width * height * 4)) {
    throw new GlanceError('bad-input', `The pixels are ${data.byteLength} bytes, ${width}x${height} in RGBA would be ${width * height * 4}.`);
  }
  const { buffer, byteOffset } = ArrayBuffer.isView(data) ? data : { buffer: data, byteOffset: 0 };
  const rgba = new Uint8ClampedArray(/** @type {ArrayBuffer} */ (buffer), byteOffset, data.byteLength);
  return new ImageData(given ? rgba : rgba.slice(), width, height);
}

/** @param {unknown} value */
function describe(value) {
  if (value === null || typeof value !== 'object') return String(value);
  return value.constructor?.name ?? 'an object';
}
