// Not an engine: what the page, the worker and fetching the weights cost by themselves.
export async function load(name) {
  await (await fetch(`/models/${name}.safetensors`)).arrayBuffer();
}

export const run = () => null;
