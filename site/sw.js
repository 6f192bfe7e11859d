const files = {};
const isolate = true;
