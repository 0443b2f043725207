import { EnjambreError } from '@enjambre/core/error';
import type { Transfer } from '@enjambre/proto/gen/enjambre/agent/v1/agent';

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

function isNext(other: Transfer, { infohash, name, publication }: Transfer): boolean {
  const publisher = publication?.publisher?.id;
  const isOther = other.follow && other.infohash !== infohash && other.name === name;
  return isOther && publisher !== undefined && other.publication?.publisher?.id === publisher;
}
