import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { TransferState, type Transfer } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { FakeAgent, transferOf } from './fake-agent.js';
import { cli, type CliResult } from './harness.js';

const checking = transferOf({
  state: TransferState.CHECKING,
  piecesChecked: 2,
  reason: 'checked 2 of 4 pieces',
  bytesDownloaded: 1_000_000n,
});
const damaged = { ...checking, piecesChecked: 0, piecesDone: 3, bytesDone: 737_856n, reason: '' };
const whole = transferOf();
let agent: FakeAgent;

beforeEach(async () => {
  agent = await FakeAgent.start({ change: () => checking });
});

afterEach(() => agent.stop());

/** `verify --wait` of a transfer that then goes through `states`. */
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
  test('shows how far the check is, and that all is good', async () => {
    expect(await verifying([whole])).toMatchObject({
      code: 0,
      stdout: [
        'model.bin  52%  524 kB/1 MB  checking: checked 2 of 4 pieces',
        'model.bin  100%  1 MB/1 MB',
        'model.bin is whole: 4 of 4 pieces good',
        '',
      ].join('\n'),
    });
  });

  test('stays until what is damaged was fetched anew', async () => {
    const states = [
      { ...damaged, state: TransferState.DOWNLOADING },
      { ...whole, bytesDownloaded: 1_262_144n },
    ];

    expect((await verifying(states)).stdout).toMatch(
      /whole again: 3 of 4 pieces good, 262 kB fetched anew\n$/,
    );
    const { code, objects } = await verifying(states, '--json');
    expect(code).toBe(0);
    expect(objects().map(({ type }) => type)).toEqual(['progress', 'progress', 'verified']);
    expect(objects().at(-1)).toMatchObject({
      state: 'seeding',
      pieces_total: 4,
      pieces_good: 3,
      bytes_fetched: 262_144,
    });
  });

  test('knows what was good though the repair was too quick to be seen', async () => {
    expect((await verifying([{ ...whole, bytesDownloaded: 1_262_144n }])).stdout).toContain(
      '3 of 4 pieces good',
    );
  });

  test('exits 1 when it is missing, and does not say that any of it is good', async () => {
    const missing = { ...whole, state: TransferState.MISSING, reason: '/srv/model.bin is missing' };
    const { code, stdout, stderr } = await verifying([missing]);

    expect(code).toBe(1);
    expect(stdout).not.toMatch(/good/);
    expect(stderr).toBe(
      'enjambre: model.bin waits for its content: /srv/model.bin is missing; `enjambre verify 5d41402a` fetches it again\n',
    );
  });

  test('exits 1 when it fails, and says how much is good', async () => {
    const failed = { ...damaged, state: TransferState.FAILED, reason: 'it is not what was shared any more' };
    const { code, stdout, stderr } = await verifying([failed]);

    expect(code).toBe(1);
    expect(stdout).toMatch(/model\.bin is not whole: 3 of 4 pieces good\n$/);
    expect(stderr).toBe('enjambre: model.bin failed: it is not what was shared any more\n');
    expect((await verifying([failed], '--json')).objects().map(({ type }) => type)).toEqual([
      'progress',
      'verified',
      'error',
    ]);
  });
});
