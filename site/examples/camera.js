import { load } from '../glance.js';

export async function run({ print }) {
  const stream = await navigator.mediaDevices.getUserMedia({ video: true });
  const [track] = stream.getVideoTracks();
  const video = document.createElement('video');
  Object.assign(video, { srcObject: stream, muted: true, playsInline: true });
  let classifier;
  try {
    classifier = await load();
    await video.play();
    const start = performance.now();
    let frames = 0;
    let best;
    while (performance.now() - start < 2000 && track.readyState === 'live') {
      [best] = await classifier.classify(video, { topk: 1 });
      frames++;
    }
    print(`${frames} frames in two seconds, the last one: ${best?.className}`);
  } finally {
    track.stop();
    classifier?.dispose();
  }
}
