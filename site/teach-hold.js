import { button } from './teach-elements.js';

/** Milliseconds from one example to the next. */
const interval = 100;

/**
 * A button that acts again and again while it is held: by pointer, by touch, or by
 * the space bar or Enter. A press that is over at once acts once, and so does a
 * click without any, as assistive technology makes it.
 *
 * @param {string} text
 * @param {{begin: () => boolean, act: () => Promise<boolean>, end: () => void}} on begin says whether
 *   it may start, act whether it may go on
 */
export function holdButton(text, on) {
  const made = button(text, 'hold');
  let held = false;
  let running = false;
  let pressed = false; // since the last click

  async function run() {
    if (running || !on.begin()) return;
    running = true;
    made.classList.add('held');
    try {
      do {
        const next = performance.now() + interval;
        if (!(await on.act())) break;
        await new Promise((done) => setTimeout(done, Math.max(0, next - performance.now())));
      } while (held);
    } finally {
      running = false;
      made.classList.remove('held');
      on.end();
    }
  }
  const press = () => {
    held = pressed = true;
    run();
  };
  const release = () => { held = false; };

  made.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    made.setPointerCapture(event.pointerId);
    press();
  });
  for (const type of ['pointerup', 'pointercancel', 'lostpointercapture', 'blur']) made.addEventListener(type, release);
  made.addEventListener('keydown', (event) => {
    if (event.key !== ' ' && event.key !== 'Enter') return;
    event.preventDefault(); // no click when the key is released
    if (!event.repeat) press();
  });
  made.addEventListener('keyup', (event) => {
    if (event.key === ' ' || event.key === 'Enter') {
      event.preventDefault();
      pressed = false;
      release();
    }
  });
  made.addEventListener('click', () => {
    if (!pressed) run();
    pressed = false;
  });
  made.addEventListener('contextmenu', (event) => event.preventDefault()); // a long touch
  return made;
}
