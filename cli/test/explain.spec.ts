import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import {
  Cause,
  Distance,
  Explanation,
  ExplainedSource,
  TransferPeer,
  TimeShare,
  TransferState,
} from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import type { Duration } from '@enjambre/proto/gen/google/protobuf/duration';
import { FakeAgent, INFOHASH, transferOf } from './fake-agent.js';
import { cli, type CliResult } from './harness.js';

let agent: FakeAgent;

beforeEach(async () => {
  agent = await FakeAgent.start();
});

afterEach(() => agent.stop());

const on = (...args: string[]): Promise<CliResult> =>
  cli(args, { environment: { ENJAMBRE_AGENT: agent.address } });

const seconds = (count: number): Duration => ({ seconds: BigInt(count), nanos: 0 });

const explanation = Explanation.fromPartial({
  infohash: INFOHASH,
  name: 'evil\u001b[2J.bin',
  state: TransferState.SEEDING,
  sizeBytes: 4_000_000n,
  doneBytes: 4_000_000n,
  totalTime: seconds(30),
  spent: [
    { cause: Cause.DISK, time: seconds(20), stalled: seconds(1) },
    { cause: Cause.SOURCES, time: seconds(5), stalled: seconds(0) },
    { cause: Cause.NO_SOURCE, time: seconds(5), stalled: seconds(5) },
  ],
  untilMetainfo: seconds(1),
  untilFirstByte: seconds(2),
  sources: [
    ExplainedSource.fromPartial({
      id: 'b'.repeat(64),
      name: 'bob',
      distance: Distance.ZONE,
      downloadedBytes: 3_000_000n,
      sendingTime: seconds(3),
      downloadRate: 1_000_000n,
    }),
    ExplainedSource.fromPartial({
      id: 'e'.repeat(64),
      name: 'mallory',
      distance: Distance.FAR,
      downloadedBytes: 1_000_000n,
      banMessage: 'sent bad data',
    }),
  ],
  duplicateBytes: 100n,
  wastedBytes: 300n,
  hashFailureCount: 1n,
  banCount: 1n,
  conclusion:
    'the disk was the bottleneck for 67 % of the time: received blocks waited to be hashed and written',
});

describe('enjambre explain', () => {
  test('shows how time was spent, in shares that add up to 100 %, and a conclusion', async () => {
    agent.script.explain = () => explanation;
    expect((await on('explain', 'model.bin')).stdout).toMatchInlineSnapshot(`
     "evil\\x1b[2J.bin
       state      seeding
       done       4 MB of 4 MB
       time       30s
       start      metainfo after 1s, first block after 2s
       discarded  300 B, of which 100 B were duplicates
       problems   1 hash failure, 1 ban

     SPENT ON                                 SHARE  TIME  STALLED
     waiting for the disk                    66.6 %   20s       1s
     limited by the sources or the network   16.7 %    5s       0s
     no peer had the missing pieces          16.7 %    5s       5s
     total                                  100.0 %   30s

     SOURCE   ID        DISTANCE    RECEIVED   SHARE    RATE  BANNED
     bob      bbbbbbbb  same zone       3 MB  75.0 %  1 MB/s
     mallory  eeeeeeee  other zone      1 MB  25.0 %       -  sent bad data

     the disk was the bottleneck for 67 % of the time: received blocks waited to be hashed and written
     "
    `);
  });

  test('shows no table for a download of less than a second', async () => {
    const time = { seconds: 0n, nanos: 400_000_000 };
    agent.script.explain = () => ({
      ...explanation,
      totalTime: time,
      spent: [TimeShare.fromPartial({ cause: Cause.CHECKING, time, stalled: time })],
    });
    const { stdout } = await on('explain', 'model.bin');
    expect(stdout).toMatch(/^ +time +400ms$/m);
    expect(stdout).toMatch(/^bob /m);
    expect(stdout).not.toContain('what is on disk');
    expect(stdout).not.toContain('TIME WENT TO');
  });

  test('prints one object with --json', async () => {
    agent.script.explain = () => explanation;
    expect((await on('explain', 'model.bin', '--json')).objects()).toMatchObject([
      {
        type: 'explanation',
        state: 'seeding',
        total_seconds: 30,
        spent: [
          { cause: 'disk', spent_seconds: 20, stalled_seconds: 1 },
          { cause: 'sources', spent_seconds: 5 },
          { cause: 'no_source', stalled_seconds: 5 },
        ],
        until_metainfo_seconds: 1,
        sources: [
          { name: 'bob', distance: 'zone', downloaded_bytes: 3_000_000, download_rate: 1_000_000 },
          { name: 'mallory', distance: 'far', ban_message: 'sent bad data' },
        ],
        duplicate_bytes: 100,
        hash_failure_count: 1,
      },
    ]);
  });

  test('says so if nothing was recorded, and accepts unknown causes of a newer agent', async () => {
    agent.script.explain = () =>
      Explanation.fromPartial({ name: 'old.bin', conclusion: 'its time was not recorded' });
    expect((await on('explain', 'x')).stdout).toMatch(/its time was not recorded\n$/);
    const newer = TimeShare.fromPartial({ time: seconds(1), stalled: seconds(1) });
    agent.script.explain = () => Explanation.fromPartial({ spent: [newer], totalTime: seconds(1) });
    expect((await on('explain', 'x', '--json')).objects()).toMatchObject([
      { spent: [{ spent_seconds: 1, stalled_seconds: 1 }] },
    ]);
    expect((await on('explain', 'x')).stdout).toMatch(
      /a cause unknown to this version of the command +100\.0 %/,
    );
  });
});

describe('enjambre status', () => {
  test('shows the distance of peers, and traffic across zones, as far as known', async () => {
    agent.script.transfer = () =>
      transferOf({
        traffic: [
          { distance: Distance.ZONE, downloadedBytes: 3_000_000n, uploadedBytes: 0n },
          { distance: Distance.REGION, downloadedBytes: 500_000n, uploadedBytes: 7000n },
          { distance: Distance.FAR, downloadedBytes: 500_000n, uploadedBytes: 0n },
          { distance: Distance.UNSPECIFIED, downloadedBytes: 9_000_000n, uploadedBytes: 0n },
        ],
        peers: [
          TransferPeer.fromPartial({ name: 'bob', distance: Distance.ZONE }),
          TransferPeer.fromPartial({ name: 'carol', distance: Distance.REGION }),
          TransferPeer.fromPartial({ name: 'dave' }),
        ],
      });
    const { stdout } = await on('status', 'model.bin');
    expect(stdout).toMatch(/crossed +zones: 1 MB of 4 MB received, 7 kB of 7 kB sent\n/);
    expect(stdout).toMatch(/bob .* same zone .*\ncarol .* other zone .*\ndave .* - /);
    expect((await on('status', 'model.bin', '--json')).objects()).toMatchObject([
      {
        traffic: {
          zone: { downloaded_bytes: 3_000_000, uploaded_bytes: 0 },
          unknown: { downloaded_bytes: 9_000_000 },
        },
        peers: [{ distance: 'zone' }, { distance: 'region' }, { name: 'dave' }],
      },
    ]);
  });
});
