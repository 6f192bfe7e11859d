// Pictures of three classes that are easily told apart: in places, sizes and
// directions that differ from picture to picture, the same in every run.

/** @param {number} seed */
export function random(seed) {
  return () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32;
  };
}

export const classes = {
  discs(context, size, next) {
    context.fillStyle = `rgb(${210 + 40 * next()}, ${100 + 40 * next()}, 40)`;
    context.beginPath();
    context.arc(size * (0.3 + 0.4 * next()), size * (0.3 + 0.4 * next()), size * (0.15 + 0.2 * next()), 0, 7);
    context.fill();
  },
  stripes(context, size, next) {
    context.strokeStyle = `rgb(60, ${70 + 40 * next()}, ${200 + 50 * next()})`;
    const period = size * (0.06 + 0.04 * next());
    context.lineWidth = period / 2;
    context.translate(size / 2, size / 2);
    context.rotate(Math.PI * next());
    for (let x = -size; x < size; x += period) {
      context.beginPath();
      context.moveTo(x, -size);
      context.lineTo(x, size);
      context.stroke();
    }
  },
  gradients(context, size, next) {
    const angle = 2 * Math.PI * next();
    const half = size / 2;
    const gradient = context.createLinearGradient(half - half * Math.cos(angle), half - half * Math.sin(angle), half + half * Math.cos(angle), half + half * Math.sin(angle));
    gradient.addColorStop(0, `rgb(70, ${190 + 40 * next()}, 90)`);
    gradient.addColorStop(1, '#222');
    context.fillStyle = gradient;
    context.fillRect(0, 0, size, size);
  },
};

/**
 * @param {keyof typeof classes} name
 * @param {() => number} next
 */
export function draw(name, next, size = 160) {
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = size;
  const context = canvas.getContext('2d');
  const dark = name === 'stripes' ? 200 : 30;
  context.fillStyle = `rgb(${dark + 30 * next()}, ${dark + 30 * next()}, ${dark + 30 * next()})`;
  context.fillRect(0, 0, size, size);
  classes[name](context, size, next);
  return canvas;
}

/** As files, for the page. */
export async function files(name, count, seed) {
  const next = random(seed);
  const made = [];
  for (let i = 0; i < count; i++) {
    const canvas = draw(name, next);
    made.push(new File([await new Promise((done) => canvas.toBlob(done, 'image/png'))], `${name} ${i}.png`, { type: 'image/png' }));
  }
  return made;
}
