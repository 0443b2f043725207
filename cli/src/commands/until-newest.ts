import { EnjambreError } from '@enjambre/core/error';
import type { Transfer } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { isWhole } from '../render/transfer-state.js';
import { isStopped } from '../several.js';

/**
 * Waits for a download that follows its name. If a newer version takes its place before it is complete, waits for that
 * one.
 *
 * @param wait waits for one transfer; throws `aborted`, TRANSFER_REMOVED if it is removed
 */
export async function untilNewest(
  agent: { transfers(): Promise<readonly Transfer[]> },
  transfer: Transfer,
  wait: (transfer: Transfer) => Promise<Transfer>,
): Promise<Transfer> {
  for (let current = transfer; ;) {
    try {
      return await wait(current);
    } catch (error) {
      if (EnjambreError.from(error).reason !== 'TRANSFER_REMOVED') throw error;
      const next = (await agent.transfers()).find((other) => isNext(other, current));
      if (!next) throw error;
      current = next;
    }
  }
}

/** The transfer is gone, since another has its place or because it was removed. */
const GONE: ReadonlySet<string> = new Set(['TRANSFER_REMOVED', 'UNKNOWN_REF']);

/**
 * Waits for a newer version of a download that follows its name. Undefined if the transfer is removed, or no longer
 * follows. One that has stopped before it was complete is its own next version when it is resumed.
 *
 * @param updates of the transfer; throws `aborted`, TRANSFER_REMOVED if it is removed
 */
export async function nextVersion(
  agent: { transfers(): Promise<readonly Transfer[]> },
  transfer: Transfer,
  updates: AsyncIterable<Transfer>,
): Promise<Transfer | undefined> {
  try {
    for await (const now of updates) {
      if (!now.follow) break;
      if (!isWhole(transfer) && !isStopped(now)) return now;
    }
  } catch (error) {
    if (!GONE.has(EnjambreError.from(error).reason)) throw error;
  }
  return (await agent.transfers()).find((other) => isNext(other, transfer));
}

function isNext(other: Transfer, { infohash, name, publication }: Transfer): boolean {
  const publisher = publication?.publisher?.id;
  const isOther = other.follow && other.infohash !== infohash && other.name === name;
  return isOther && publisher !== undefined && other.publication?.publisher?.id === publisher;
}
