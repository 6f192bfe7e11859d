// MediaPipe's ImageClassifier. It takes an image, so its time includes making
// the input tensor and sorting the scores, which the others' does not.
import { FilesetResolver, ImageClassifier } from '/node_modules/@mediapipe/tasks-vision/vision_bundle.mjs';

let classifier, frame;

export async function load(name, threads, [height, width]) {
  const vision = await FilesetResolver.forVisionTasks('/node_modules/@mediapipe/tasks-vision/wasm');
  classifier = await ImageClassifier.createFromOptions(vision, {
    baseOptions: { modelAssetPath: `/models/${name}.tflite`, delegate: 'CPU' }, runningMode: 'IMAGE', maxResults: 5,
  });
  const pixels = new ImageData(width, height);
  for (let i = 0; i < pixels.data.length; i++) pixels.data[i] = i % 4 === 3 ? 255 : (i * 7919) >> 5;
  frame = await createImageBitmap(pixels);
}

export function run() {
  classifier.classify(frame);
  return null;
}
