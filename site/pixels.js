import { GlanceError } from './errors.js';
import { refusal } from './source.js';

/** Pixels read from a canvas at a time, unless more are asked for. */
const windowPixels = 1 << 18;

/**
 * A picture that is ready to be read, from top to bottom.
 *
 * @typedef {object} Pixels
 * @property {number} width
 * @property {number} height
 * @property {(row: number, rows: number) => Uint8ClampedArray} read opaque RGBA of some rows, valid
 *   until the next read; what is transparent in the picture lies on white
 * @property {() => void} close
 */

/** Reads pictures through one canvas that is kept between calls. */
export class PixelReader {
  /** @type {OffscreenCanvas | undefined} */
  #canvas;
  /** @type {OffscreenCanvasRenderingContext2D | undefined} */
  #context;

  /**
   * @param {import('./source.js').Picture} picture closed by the Pixels' close
   * @returns {Promise<Pixels>}
   */
  async open(picture) {
    if (typeof ImageData === 'function' && picture instanceof ImageData) return rows(picture);
    if (picture instanceof Blob) {
      try {
        return this.#drawn(await createImageBitmap(picture));
      } catch (cause) {
        throw refusal(cause);
      }
    }
    return this.#drawn(/** @type {ImageBitmap | VideoFrame} */ (picture));
  }

  /**
   * @param {ImageBitmap | VideoFrame} picture
   * @returns {Pixels}
   */
  #drawn(picture) {
    const isBitmap = picture instanceof ImageBitmap;
    const width = isBitmap ? picture.width : picture.displayWidth;
    const height = isBitmap ? picture.height : picture.displayHeight;
    /** @type {{row: number, rows: number, data: Uint8ClampedArray} | undefined} */
    let window;
    let drawn = false;
    const load = (/** @type {number} */ row, /** @type {number} */ rows) => {
      if (!isBitmap) {
        // Drawing a part of a frame converts all of it, so it is drawn once, whole.
        const context = this.#sized(width, height);
        if (!drawn) {
          context.fillRect(0, 0, width, height);
          context.drawImage(picture, 0, 0, width, height);
          drawn = true;
        }
        return context.getImageData(0, row, width, rows).data;
      }
      const context = this.#sized(width, rows);
      context.fillRect(0, 0, width, rows);
      context.drawImage(picture, 0, row, width, rows, 0, 0, width, rows);
      return context.getImageData(0, 0, width, rows).data;
    };
    const read = (/** @type {number} */ row, /** @type {number} */ rows) => {
      if (!window || row < window.row || row + rows > window.row + window.rows) {
        const tall = Math.min(height - row, Math.max(rows, Math.floor(windowPixels / width)));
        try {
          window = { row, rows: tall, data: load(row, tall) };
        } catch (cause) {
          throw refusal(cause);
        }
      }
      const start = (row - window.row) * width * 4;
      return window.data.subarray(start, start + rows * width * 4);
    };
    return { width, height, read, close: () => picture.close() };
  }

  /**
   * The context of a canvas of at least the given size, which only ever grows.
   *
   * @param {number} width
   * @param {number} height
   */
  #sized(width, height) {
    if (!this.#canvas || !this.#context) {
      if (typeof OffscreenCanvas !== 'function') {
        throw new GlanceError('unsupported', 'This browser has no OffscreenCanvas, which reading pictures needs: pass ImageData, or update the browser.');
      }
      this.#canvas = new OffscreenCanvas(width, height);
      const context = this.#canvas.getContext('2d', { willReadFrequently: true });
      if (!context) throw new GlanceError('out-of-memory', 'The browser gave no canvas to read the picture with.');
      this.#context = context;
    }
    if (this.#canvas.width < width) this.#canvas.width = width;
    if (this.#canvas.height < height) this.#canvas.height = height;
    this.#context.fillStyle = '#fff'; // growing resets it
    return this.#context;
  }
}

/**
 * The rows of ImageData.
 *
 * @param {ImageData} image
 * @returns {Pixels}
 */
export function rows({ width, height, data }) {
  if (!(data instanceof Uint8ClampedArray)) {
    throw new GlanceError('bad-input', 'The ImageData must have 8 bits per channel (pixelFormat rgba-unorm8).');
  }
  const read = (/** @type {number} */ row, /** @type {number} */ rows) =>
    opaque(data.subarray(row * width * 4, (row + rows) * width * 4));
  return { width, height, read, close: () => {} };
}

/**
 * Composites straight RGBA over white, leaving pixels that are opaque as they are.
 *
 * @param {Uint8ClampedArray} rgba not changed
 */
function opaque(rgba) {
  let i = 3;
  while (i < rgba.length && rgba[i] === 255) i += 4;
  if (i >= rgba.length) return rgba;
  const flat = rgba.slice();
  for (; i < flat.length; i += 4) {
    const alpha = flat[i];
    for (let c = i - 3; c < i; c++) flat[c] = (flat[c] * alpha + 255 * (255 - alpha)) / 255;
    flat[i] = 255;
  }
  return flat;
}
