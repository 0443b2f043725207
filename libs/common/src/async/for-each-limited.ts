/**
 * Runs `work` for each item, at most `most` at a time. Items are taken from the iterable only when their turn
 * comes, so it may be very long. Rejects with the first error; no further item is started then.
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
