// Refusal is an error the client is told about: its code is one of those that
// package api documents, which also knows the status.
export class Refusal extends Error {
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}
