/** Weight of a transfer relative to others. */
export type Priority = 'high' | 'normal' | 'low';

/** Normal priority gets twice the rate of low, and half the rate of high. */
const WEIGHTS: Readonly<Record<Priority, number>> = { high: 4, normal: 2, low: 1 };

export const NORMAL_WEIGHT = WEIGHTS.normal;

export function weightOf(priority: Priority): number {
  return WEIGHTS[priority];
}
