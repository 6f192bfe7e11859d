// Compiled, not run: teaching as its users write it, and what the types must refuse.

import { load, GlanceError, type Prediction } from '../../glance';
import { createTeacher, type Base, type Example, type Head, type Teacher, type Training } from '../../teach';

export async function everyCall(cups: File[], video: HTMLVideoElement, signal: AbortSignal): Promise<Prediction[]> {
  const classifier = await load();
  const base: Base = { name: 'mine', sha256: '0'.repeat(64) };
  const teacher: Teacher = createTeacher(classifier, { base, baseURL: '/glance/', urls: { module: '/t.wasm', worker: new URL('/w.js', location.href) } });
  await teacher.prepare({ onProgress: ({ phase, loaded, total }) => console.log(phase === 'module', loaded / total), signal });
  const example: Example = await teacher.add('cup', cups[0], { signal });
  await teacher.add('cup', example.embedding);
  const removed: boolean = teacher.remove(example.id) || teacher.remove('cup');
  await teacher.rename('cup', 'mug');
  const counts: Map<string, number> = teacher.counts();
  try {
    const training: Training = await teacher.train({ signal });
    console.log(removed, counts.size, training.accuracy, training.confusion[0][0], training.heldBack[0].predicted);
  } catch (error) {
    if (!(error instanceof GlanceError && error.code === 'too-few-examples')) throw error;
  }
  const file: Uint8Array = await teacher.save();
  const head: Head = await teacher.load(new Blob([file as Uint8Array<ArrayBuffer>]));
  console.log(head.threshold, teacher.head?.classes[0]);
  const predictions: Prediction[] = await teacher.predict(video, { signal });
  teacher.dispose();
  return predictions;
}

export async function refused(teacher: Teacher): Promise<void> {
  // @ts-expect-error a URL is no picture
  await teacher.add('cup', 'cup.jpg');
  // @ts-expect-error the head is what was trained
  teacher.head = undefined;
  // @ts-expect-error an embedding is float32
  await teacher.predict([1, 2, 3]);
  // @ts-expect-error a teacher needs a classifier
  createTeacher();
}
