/**
 * What went wrong, for code. The message says it for people.
 *
 * @typedef {'unsupported' | 'bad-option' | 'bad-input' | 'model-unknown' | 'manifest' |
 *   'engine-http' | 'engine-integrity' | 'engine-crashed' |
 *   'weights-http' | 'weights-integrity' | 'weights-format' |
 *   'out-of-memory' | 'storage' | 'helper-failed' | 'aborted' | 'disposed' | import('./teach').TeachErrorCode} ErrorCode
 */

/** Every error this package throws or rejects with. */
export class GlanceError extends Error {
  /**
   * @param {ErrorCode} code
   * @param {string} message
   * @param {unknown} [cause]
   */
  constructor(code, message, cause) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'GlanceError';
    /** @type {ErrorCode} */
    this.code = code;
  }
}

/**
 * The error an aborted call rejects with; its cause is the signal's reason.
 *
 * @param {AbortSignal} signal
 */
export function abortError(signal) {
  return new GlanceError('aborted', 'The call was aborted.', signal.reason);
}

/** The error of every call after dispose. */
export function disposedError() {
  return new GlanceError('disposed', 'The classifier has been disposed of.');
}

/**
 * Wraps anything thrown as a GlanceError with the given code, leaving those
 * that already are one as they are.
 *
 * @param {unknown} thrown
 * @param {ErrorCode} code
 * @param {string} doing what failed, to start the message with
 */
export function asGlanceError(thrown, code, doing) {
  if (thrown instanceof GlanceError) return thrown;
  return new GlanceError(code, `${doing}: ${thrown instanceof Error ? thrown.message : String(thrown)}`, thrown);
}

/**
 * A function of the caller's as it may be called from anywhere: what it throws is an
 * uncaught exception, as that of an event listener is, and stops nothing.
 *
 * @template {any[]} T
 * @param {((...args: T) => void) | undefined} callback
 * @returns {(...args: T) => void}
 */
export function guarded(callback) {
  return (...args) => {
    try {
      callback?.(...args);
    } catch (error) {
      queueMicrotask(() => { throw error; });
    }
  };
}

/**
 * An error as it crosses between threads.
 *
 * @typedef {{code: ErrorCode, message: string, cause?: unknown}} ErrorMessage
 */

/**
 * @param {unknown} thrown
 * @returns {ErrorMessage}
 */
export function toMessage(thrown) {
  const { code, message } = asGlanceError(thrown, 'engine-crashed', 'The engine failed');
  return { code, message };
}

/** @param {ErrorMessage} m */
export function fromMessage(m) {
  return new GlanceError(m.code, m.message, m.cause);
}
