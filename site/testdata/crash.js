// An engine worker that starts well and fails at the first call.
onmessage = ({ data: { type, id } }) => {
  if (type === 'start') postMessage({ id, value: { backend: 'simd128', threads: 1 } });
  else throw new Error('out of luck');
};
