import { tests } from '/test/api.js';
import { compatTests } from '/test/compat.js';
import { optionTests } from '/test/options.js';

const all = { ...tests, ...optionTests, ...compatTests };

globalThis.ready = (async () => {
  const facts = await (await fetch('/test/facts.json')).json();
  return { names: Object.keys(all), run: async (name) => (await all[name]({ ...facts, isolated: crossOriginIsolated })) ?? '' };
})();
