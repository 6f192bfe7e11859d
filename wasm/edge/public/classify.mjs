// What another page needs to have a picture classified: copy this file.

// classifyFile sends a file as it is.
export async function classifyFile(file, { server = '', model = '', signal } = {}) {
  return post(`${server}/classify?${new URLSearchParams({ model })}`, file, signal);
}

// classifyPixels scales a picture down first, and sends the pixels. That is the
// least work for the worker, and a small upload for a large photo. Model is an
// entry of GET /models.
export async function classifyPixels(file, model, { server = '', signal } = {}) {
  const { width, height, data } = await scaled(file, model);
  const query = new URLSearchParams({ model: model.name, width, height });
  return post(`${server}/classify?${query}`, data, signal);
}

async function post(url, body, signal) {
  const response = await fetch(url, { method: 'POST', body, signal });
  const answer = await response.json();
  if (!response.ok) throw new Error(answer.error.message);
  return answer;
}

// scaled draws what the model will look at: the picture squeezed to the input's
// size, or its middle, scaled so that the worker does not resize again.
async function scaled(file, { input, preprocess }) {
  const bitmap = await createImageBitmap(file, { imageOrientation: 'from-image' });
  let { width, height } = input;
  let [x, y, w, h] = [0, 0, bitmap.width, bitmap.height];
  if (preprocess.resize > 0) {
    width = height = preprocess.resize;
    const side = Math.min(w, h);
    [x, y, w, h] = [(w - side) / 2, (h - side) / 2, side, side];
  }
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext('2d', { willReadFrequently: true });
  context.imageSmoothingQuality = 'high';
  context.drawImage(bitmap, x, y, w, h, 0, 0, width, height);
  bitmap.close();
  return { width, height, data: context.getImageData(0, 0, width, height).data };
}
