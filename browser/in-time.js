// @ts-check
/** No wait without an end. */

/**
 * What `work` gives, or `otherwise` if that takes longer than `ms`.
 *
 * @template T, U
 * @param {Promise<T>} work
 * @param {number} ms
 * @param {U} otherwise
 * @returns {Promise<T | U>}
 */
export function inTime(work, ms, otherwise) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(otherwise), ms);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
