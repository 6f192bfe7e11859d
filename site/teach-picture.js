/** Width and height of a thumbnail in pixels. */
const side = 72;

/**
 * Decodes a picture's file. SVG is decoded as an element's picture only.
 *
 * @param {File} file
 */
export async function decode(file) {
  if (file.type !== 'image/svg+xml') return createImageBitmap(file);
  const image = new Image();
  image.src = URL.createObjectURL(file);
  try {
    await image.decode();
    // The size is given, as a drawing need not have one of its own.
    return await createImageBitmap(image, { resizeWidth: image.naturalWidth, resizeHeight: image.naturalHeight });
  } finally {
    URL.revokeObjectURL(image.src);
  }
}

/**
 * The middle of a picture as a small JPEG of some 2 KB. The picture is read at once.
 *
 * @param {HTMLVideoElement | ImageBitmap} picture
 */
export function thumbnail(picture) {
  const width = picture instanceof ImageBitmap ? picture.width : picture.videoWidth;
  const height = picture instanceof ImageBitmap ? picture.height : picture.videoHeight;
  const part = Math.min(width, height);
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = side;
  const context = canvas.getContext('2d');
  if (context) {
    context.imageSmoothingQuality = 'medium';
    context.fillStyle = '#fff'; // behind what is transparent
    context.fillRect(0, 0, side, side);
    context.drawImage(picture, (width - part) / 2, (height - part) / 2, part, part, 0, 0, side, side);
  }
  return new Promise((/** @type {(jpeg: Uint8Array) => void} */ resolve) => {
    canvas.toBlob(async (blob) => resolve(new Uint8Array(blob ? await blob.arrayBuffer() : [])), 'image/jpeg', 0.7);
  });
}
