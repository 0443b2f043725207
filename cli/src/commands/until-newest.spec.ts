import { describe, expect, test } from '@jest/globals';
import { EnjambreError } from '@enjambre/core/error';
import { Transfer, TransferState } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { nextVersion, untilNewest } from './until-newest.js';

const removed = new EnjambreError('aborted', 'TRANSFER_REMOVED', 'removed');

function version(number: number, id = 'alice', follow = true): Transfer {
  const publication = { version: number, publisher: { id } };
  const state = TransferState.SEEDING;
  return Transfer.fromPartial({ name: 'w1.bin', infohash: `${number}${id}`, state, follow, publication });
}

const waiting = (transfer: Transfer): Promise<Transfer> =>
  transfer.publication?.version === 3 ? Promise.resolve(transfer) : Promise.reject(removed);

describe('waiting for a download that follows its name', () => {
  test('waits for the version that takes its place', async () => {
    const agent = { transfers: () => Promise.resolve([version(3, 'mallory'), version(3)]) };
    expect(await untilNewest(agent, version(2), waiting)).toEqual(version(3));
  });

  test.each([
    ['nothing', []],
    ["another publisher's", [version(3, 'mallory')]],
    ['one that does not follow', [version(3, 'alice', false)]],
  ])('fails if %s takes its place', async (_, transfers) => {
    const agent = { transfers: () => Promise.resolve(transfers) };
    await expect(untilNewest(agent, version(2), waiting)).rejects.toBe(removed);
  });
});

describe('the next version after a complete one', () => {
  const agent = { transfers: () => Promise.resolve([version(3, 'mallory'), version(3)]) };
  const alone = { transfers: () => Promise.resolve([]) };

  async function* updates(transfers: Transfer[], error?: Error): AsyncGenerator<Transfer> {
    for (const transfer of transfers) yield await Promise.resolve(transfer);
    if (error) throw error;
  }
  const unknown = new EnjambreError('not-found', 'UNKNOWN_REF', 'unknown');

  test.each([
    ['is removed', updates([version(2)], removed)],
    ['was removed before', updates([], unknown)],
    ['no longer follows', updates([version(2), version(2, 'alice', false)])],
  ])('takes its place when that %s', async (_, seen) => {
    expect(await nextVersion(agent, version(2), seen)).toEqual(version(3));
  });

  test('is the same one if it had stopped before it was complete, and was resumed', async () => {
    const at = (state: TransferState): Transfer => ({ ...version(2), state });
    const [failed, running] = [at(TransferState.FAILED), at(TransferState.DOWNLOADING)];
    expect(await nextVersion(agent, running, updates([failed, failed, running]))).toBe(running);
    const whole = at(TransferState.SEEDING);
    const paused = updates([whole, at(TransferState.PAUSED), whole, version(2, 'alice', false)]);
    expect(await nextVersion(agent, whole, paused)).toEqual(version(3));
  });

  test('is none if the transfer was removed by its user', async () => {
    expect(await nextVersion(alone, version(2), updates([], removed))).toBeUndefined();
  });

  test('is not looked for if the agent is unreachable', async () => {
    const lost = new EnjambreError('unavailable', 'AGENT_UNREACHABLE', 'gone');
    await expect(nextVersion(agent, version(2), updates([], lost))).rejects.toBe(lost);
  });
});
