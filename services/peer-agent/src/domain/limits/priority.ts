/** How much a transfer counts beside others. */
export type Priority = 'high' | 'normal' | 'low';

/** A transfer of normal priority gets twice of what one of low gets, and half of one of high. */
const WEIGHTS: Readonly<Record<Priority, number>> = { high: 4, normal: 2, low: 1 };

export const NORMAL_WEIGHT = WEIGHTS.normal;

export function weightOf(priority: Priority): number {
  return WEIGHTS[priority];
}
