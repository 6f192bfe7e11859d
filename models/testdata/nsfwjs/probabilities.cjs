// Probabilities of nsfwjs's own client, its bundled MobileNetV2 and TensorFlow.js
// (CPU backend) on the pictures of tools/classify/testdata.
//
// Run in a scratch directory outside the repository:
//
//   npm install nsfwjs@4.4.0 @tensorflow/tfjs@4.22.0 buffer@6.0.3 pngjs@7.0.0
//   cp REPO/models/testdata/nsfwjs/probabilities.cjs . && node probabilities.cjs REPO
//
// Made with node 20. Written to probabilities.json: for each picture the five
// probabilities in the model's order, drawing, hentai, neutral, porn, sexy.

const fs = require("fs");
const path = require("path");
const { PNG } = require("pngjs");
const tf = require("@tensorflow/tfjs");
const nsfwjs = require("nsfwjs");

async function main(repo) {
  await tf.setBackend("cpu");
  const client = await nsfwjs.load("MobileNetV2");
  const pictures = path.join(repo, "tools/classify/testdata");
  const lines = [];
  for (const file of fs.readdirSync(pictures).filter((f) => f.endsWith(".png")).sort()) {
    const png = PNG.sync.read(fs.readFileSync(path.join(pictures, file)));
    const rgb = new Int32Array(png.width * png.height * 3);
    for (let i = 0; i < png.width * png.height; i++) {
      for (let c = 0; c < 3; c++) rgb[3 * i + c] = png.data[4 * i + c];
    }
    const image = tf.tensor3d(rgb, [png.height, png.width, 3], "int32");
    const scores = client.infer(image);
    lines.push(`  ${JSON.stringify(file)}: ${JSON.stringify([...scores.dataSync()])}`);
    const named = await client.classify(image);
    console.log(file, named.map((p) => `${p.className} ${p.probability.toFixed(4)}`).join(", "));
  }
  const out = path.join(repo, "models/testdata/nsfwjs/probabilities.json");
  fs.writeFileSync(out, `{\n${lines.join(",\n")}\n}\n`);
}

main(process.argv[2]);
