/**
 * The helper threads of an engine: workers that take lanes of the same kernel
 * module on one shared memory. The engine's own thread does all the work until
 * they are there: nothing waits for a helper to start, and one that fails to only
 * leaves the engine with fewer threads.
 */
export class Helpers {
  /** @type {Worker[]} */
  #workers = [];
  #serving = 0;

  /**
   * Starts workers, which wait for serve.
   *
   * @param {number} count
   * @param {string | undefined} url of helper.js, where it is not beside this file
   * @param {(serving: number) => void} changed called with the number of helpers that serve
   */
  constructor(count, url, changed) {
    for (let i = 0; i < count; i++) {
      let worker;
      try {
        worker = url === undefined
          ? new Worker(new URL('./helper.js', import.meta.url), { type: 'module', name: 'glance-helper' })
          : new Worker(url, { type: 'module', name: 'glance-helper' });
      } catch {
        return; // this thread may not start workers
      }
      let serves = false;
      worker.onmessage = () => {
        serves = true;
        changed(++this.#serving);
      };
      worker.onerror = (event) => {
        event.preventDefault();
        worker.terminate();
        if (serves) changed(--this.#serving);
        serves = false;
      };
      this.#workers.push(worker);
    }
  }

  /**
   * Tells every helper to serve the control block from now on.
   *
   * @param {WebAssembly.Module} module
   * @param {WebAssembly.Memory} memory shared
   * @param {number} control address of the block
   */
  serve(module, memory, control) {
    this.#workers.forEach((worker, i) => worker.postMessage({ module, memory, control, lane: i + 1 }));
  }

  close() {
    for (const worker of this.#workers) worker.terminate();
    this.#workers = [];
  }
}
