/**
 * Does `work` for each item, for `most` at a time. The items are taken when their time comes, so that there may be very
 * many. Rejects with the first error; then no other item is begun.
 */
export async function forEachLimited<T>(
  items: Iterable<T>,
  most: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const left = items[Symbol.iterator]();
  let failed = false;
  const takeAll = async (): Promise<void> => {
    try {
      for (let next = left.next(); !failed && next.done !== true; next = left.next()) await work(next.value);
    } catch (error) {
      failed = true;
      throw error;
    }
  };
  await Promise.all(Array.from({ length: most }, takeAll));
}
