// Bundles the JavaScript an app would ship for each peer that is meant to be
// bundled: node bundle.mjs OUTDIR
import { build } from 'esbuild';
import path from 'node:path';

const out = path.resolve(process.argv[2]);
const empty = './peers/empty.mjs';
for (const name of ['tfjs', 'litert']) {
  await build({
    absWorkingDir: import.meta.dirname, entryPoints: [`peers/${name}.entry.mjs`], outfile: path.join(out, `${name}.js`),
    bundle: true, minify: true, format: 'esm', target: 'chrome120', platform: 'browser', legalComments: 'none', logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"production"', global: 'self' },
    alias: Object.fromEntries(['node-fetch', 'worker_threads', 'perf_hooks', 'os', 'util', 'fs', 'path'].map((m) => [m, empty])),
  });
}
