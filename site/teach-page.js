/**
 * Fills the page's section "Teach your own classes".
 *
 * @param {(taught: ((source: import('./glance').Source) => Promise<import('./glance').Prediction[]>) | undefined) => void} use
 *   shows the results of a function in place of the model's own
 */
export function openTeaching(use) {
  return {
    /**
     * Called when the classifier has changed.
     *
     * @param {import('./glance').Classifier | undefined} classifier
     */
    network(classifier) {
      if (!classifier) use(undefined);
    },
  };
}
