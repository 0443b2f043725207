import { describe, expect, it } from '@jest/globals';
import { Distance as WireDistance, TransferState } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import fc from 'fast-check';
import { peerNamed } from '../../../test/support/ids.js';
import { records } from '../../../test/support/records.js';
import type { TransferView } from '../../app/transfer/transfer-view.js';
import { SEED_FOREVER } from '../../domain/limits/seed-limits.js';
import { millisecondsOf, transferToWire } from './convert.js';

const record = fc.sample(
  records.filter((list) => list.length > 0),
  { numRuns: 1, seed: 1 },
)[0]![0]!;
const view: TransferView = {
  record: { ...record, sizeBytes: 1000, doneBytes: 400, activeMs: 1500 },
  state: 'downloading',
  reason: '',
  message: '',
  path: '/x',
  pieceLength: 16_384,
  pieceCount: 10,
  donePieceCount: 4,
  checkedPieceCount: 0,
  fileCount: 1,
  selectedPieceCount: 10,
  selectedFileCount: 1,
  downloadRate: 200.4,
  uploadRate: 0.6,
  timeLeft: 2.25,
  seedLimits: SEED_FOREVER,
  peers: [],
};

describe('a transfer on the wire', () => {
  it('shows its rates, its times and the time left, if there is an estimate', () => {
    expect(transferToWire(view)).toMatchObject({
      downloadRate: 200n,
      uploadRate: 1n,
      activeTime: { seconds: 1n, nanos: 500_000_000 },
    });
    expect(millisecondsOf(transferToWire(view).timeLeft, 0)).toBe(2250);
    expect(transferToWire({ ...view, timeLeft: undefined }).timeLeft).toBeUndefined();
  });

  it('has a name even before its real name is known', () => {
    const unnamed = { ...view, record: { ...view.record, name: '' } };
    expect(transferToWire(unnamed).name).toBe(record.infohash.slice(0, 8));
  });

  it('has no completion time before it is complete', () => {
    const times = (completedAtMs: number) =>
      transferToWire({ ...view, record: { ...view.record, completedAtMs } }).completedAt;
    expect(times(0)).toBeUndefined();
    expect(times(1234)).toEqual(new Date(1234));
  });

  it("has a distinct state for each of the domain's", () => {
    const states = (
      ['resolving', 'checking', 'downloading', 'seeding', 'missing', 'paused', 'finished', 'failed'] as const
    ).map((state) => transferToWire({ ...view, state }).state);
    expect(new Set(states).size).toBe(8);
    expect(states).not.toContain(TransferState.UNSPECIFIED);
  });

  it('shows the bytes received from and sent to each peer', () => {
    const peer = {
      peerId: peerNamed('bob'),
      name: 'bob',
      endpoint: 'b:1',
      connected: true,
      received: 7,
      sent: 8,
      distance: 'rack' as const,
      receivingMs: 9,
      downloadRate: 0.4,
      uploadRate: 2.6,
      banned: 'why',
    };
    expect(transferToWire({ ...view, peers: [peer] }).peers).toEqual([
      {
        id: peerNamed('bob'),
        name: 'bob',
        endpoint: 'b:1',
        connected: true,
        downloadedBytes: 7n,
        uploadedBytes: 8n,
        downloadRate: 0n,
        uploadRate: 3n,
        banMessage: 'why',
        distance: WireDistance.RACK,
      },
    ]);
  });

  it('has durations accurate to the microsecond, with fractions below one second', () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.double({ min: 0, max: 1e9, noNaN: true }), fc.constantFrom(999.9999999, 1999.9999996)),
        (activeMs) => {
          const { activeTime } = transferToWire({ ...view, record: { ...view.record, activeMs } });
          expect(activeTime?.nanos).toBeGreaterThanOrEqual(0);
          expect(activeTime?.nanos).toBeLessThan(1e9);
          expect(Math.abs(millisecondsOf(activeTime, 0) - activeMs)).toBeLessThan(0.001);
        },
      ),
    );
  });
});
