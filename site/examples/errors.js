import { GlanceError, load } from '../glance.js';

export async function run({ print }) {
  const attempts = [
    { model: 'mobilenet_v9' },
    { model: 'weights/missing.safetensors' },
    { model: { weights: new Blob(['no weights at all']) } },
    { signal: AbortSignal.timeout(0) },
  ];
  for (const options of attempts) {
    try {
      (await load(options)).dispose();
    } catch (error) {
      if (!(error instanceof GlanceError)) throw error;
      print(`${error.code}: ${error.message}`);
    }
  }
}
