import { tests } from '/test/api.js';

globalThis.ready = (async () => {
  const facts = await (await fetch('/test/facts.json')).json();
  return { names: Object.keys(tests), run: async (name) => (await tests[name]({ ...facts, isolated: crossOriginIsolated })) ?? '' };
})();
