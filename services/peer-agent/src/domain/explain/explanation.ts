import { EnjambreError } from '@enjambre/core/error';
import type { PeerBytes, TransferRecord } from '../transfer-record.js';
import { CAUSES, MISHAPS, type Mishap } from './causes.js';
import { conclusionOf } from './conclusion.js';
import type { Findings } from './findings.js';

/** Breakdown of the time of a download. */
export interface Explanation extends Findings {
  readonly mishaps: Readonly<Record<Mishap, number>>;
  readonly conclusion: string;
}

/** Sending that took less gives no rate. */
const LEAST_MS = 1;

/** Throws `precondition` NOT_DOWNLOADED for content shared by this agent. */
export function explain(record: TransferRecord): Explanation {
  const { account, peers, origin, name } = record;
  if (origin) {
    const message = `${name} was shared by this agent, not downloaded: there is nothing to explain`;
    throw new EnjambreError('precondition', 'NOT_DOWNLOADED', message);
  }
  const spent = CAUSES.map((cause) => ({ cause, ...(account.spent[cause] ?? { ms: 0, stalledMs: 0 }) }))
    .filter(({ ms }) => ms > 0)
    .sort((a, b) => b.ms - a.ms);
  const totalMs = spent.reduce((sum, { ms }) => sum + ms, 0);
  const sources = peers
    .filter(({ received }) => received > 0)
    .map((peer) => ({ ...peer, rate: rateOf(peer) }))
    .sort((a, b) => b.received - a.received);
  const mishaps = Object.fromEntries(
    MISHAPS.map((mishap) => [mishap, account.mishaps[mishap] ?? 0]),
  ) as Record<Mishap, number>;
  return { totalMs, spent, sources, mishaps, conclusion: conclusionOf({ totalMs, spent, sources }) };
}

function rateOf({ received, receivingMs }: PeerBytes): number {
  return receivingMs < LEAST_MS ? 0 : (received * 1000) / receivingMs;
}
