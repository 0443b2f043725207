/**
 * What the clients of one address may use together of a limit: `percent` of it, at least `floor`, and never more than
 * the limit itself.
 *
 * @param limit of all clients, a whole number from 1
 * @param percent 1 to 100
 * @param floor so that a single honest client behind the address can work, in the unit of the limit
 */
export function quotaOf(limit: number, percent: number, floor: number): number {
  return Math.min(limit, Math.max(floor, Math.ceil((limit * percent) / 100)));
}
