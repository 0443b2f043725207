/** The same items, the one at place `first` before the others; counted on from the beginning after the last. */
export function inTurn<T>(items: Iterable<T>, first: number): T[] {
  const all = [...items];
  const at = all.length === 0 ? 0 : first % all.length;
  return [...all.slice(at), ...all.slice(0, at)];
}
