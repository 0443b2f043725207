const TENTHS = 1000;

/**
 * Parts of a whole as percentages with one decimal that add up to exactly 100.0 (largest remainder method).
 * All zero if the whole is zero.
 *
 * @param parts none is negative
 */
export function percentages(parts: readonly number[]): number[] {
  const whole = parts.reduce((sum, part) => sum + part, 0);
  if (whole === 0) return parts.map(() => 0);
  const exact = parts.map((part) => (part / whole) * TENTHS);
  const rounded = exact.map(Math.floor);
  const left = TENTHS - rounded.reduce((sum, part) => sum + part, 0);
  const byLoss = exact
    .map((value, index) => ({ index, loss: value - Math.floor(value) }))
    .sort((a, b) => b.loss - a.loss);
  for (const { index } of byLoss.slice(0, left)) rounded[index] = (rounded[index] ?? 0) + 1;
  return rounded.map((tenths) => tenths / 10);
}
