import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { TransferState, type Transfer } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { FakeAgent, transferOf } from './fake-agent.js';
import { cli, type CliResult } from './harness.js';

const checking = transferOf({
  state: TransferState.CHECKING,
  checkedPieceCount: 2,
  message: 'checked 2 of 4 pieces',
  downloadedBytes: 1_000_000n,
});
const damaged = { ...checking, checkedPieceCount: 0, donePieceCount: 3, doneBytes: 737_856n, reason: '' };
const whole = transferOf();
let agent: FakeAgent;

beforeEach(async () => {
  agent = await FakeAgent.start({ change: () => checking });
});

afterEach(() => agent.stop());

/** `verify --wait` of a transfer that passes through `states`. */
function verifying(states: readonly Transfer[], ...args: readonly string[]): Promise<CliResult> {
  agent.script.watch = async function* () {
    for (const state of states) {
      await Promise.resolve();
      yield state;
    }
  };
  return cli(['verify', 'model.bin', '--wait', '--agent', agent.address, ...args]);
}

describe('enjambre verify --wait', () => {
  test('shows the progress of the check, and that all pieces are intact', async () => {
    expect(await verifying([whole])).toMatchObject({
      code: 0,
      stderr: 'model.bin  52%  524 kB/1 MB  checking: checked 2 of 4 pieces\nmodel.bin  100%  1 MB/1 MB\n',
      stdout: 'model.bin is complete: 4 of 4 pieces intact\n',
    });
  });

  test('waits until damaged pieces are downloaded again', async () => {
    const states = [
      { ...damaged, state: TransferState.DOWNLOADING },
      { ...whole, downloadedBytes: 1_262_144n },
    ];

    expect((await verifying(states)).stdout).toMatch(
      /complete again: 3 of 4 pieces intact, 262 kB downloaded again\n$/,
    );
    const { code, objects } = await verifying(states, '--json');
    expect(code).toBe(0);
    expect(objects().map(({ type }) => type)).toEqual(['progress', 'progress', 'verified']);
    expect(objects().at(-1)).toMatchObject({
      state: 'seeding',
      piece_count: 4,
      good_piece_count: 3,
      downloaded_bytes: 262_144,
    });
  });

  test('counts intact pieces although the repair was too quick to be seen', async () => {
    expect((await verifying([{ ...whole, downloadedBytes: 1_262_144n }])).stdout).toContain(
      '3 of 4 pieces intact',
    );
  });

  test('counts intact pieces although the first update came in the middle of a piece', async () => {
    const states = [
      { ...damaged, state: TransferState.DOWNLOADING, downloadedBytes: 1_100_000n },
      { ...whole, downloadedBytes: 1_262_144n },
    ];
    expect((await verifying(states)).stdout).toContain('3 of 4 pieces intact, 262 kB downloaded again');
  });

  test('exits 1 when the content is missing, and reports no intact pieces', async () => {
    const missing = { ...whole, state: TransferState.MISSING, message: '/srv/model.bin is missing' };
    const { code, stdout, stderr } = await verifying([missing]);

    expect(code).toBe(1);
    expect(stdout).not.toMatch(/good/);
    expect(stderr).toContain(
      '\nenjambre: model.bin waits for its files: /srv/model.bin is missing; `enjambre verify 5d41402a` downloads it again\n',
    );
  });

  test('exits 1 when it fails, and reports the intact pieces', async () => {
    const failed = { ...damaged, state: TransferState.FAILED, message: 'it is no longer what was shared' };
    const { code, stdout, stderr } = await verifying([failed]);

    expect(code).toBe(1);
    expect(stdout).toMatch(/model\.bin is incomplete: 3 of 4 pieces intact\n$/);
    expect(stderr).toContain('\nenjambre: model.bin failed: it is no longer what was shared\n');
    expect((await verifying([failed], '--json')).objects().map(({ type }) => type)).toEqual([
      'progress',
      'verified',
      'error',
    ]);
  });
});
