/** The same items, rotated so that the one at index `first` (modulo their number) comes first. */
export function inTurn<T>(items: Iterable<T>, first: number): T[] {
  const all = [...items];
  const at = all.length === 0 ? 0 : first % all.length;
  return [...all.slice(at), ...all.slice(0, at)];
}
