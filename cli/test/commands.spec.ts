import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { EnjambreError } from '@enjambre/core/error';
import {
  KeptReason,
  RemoveTransferResponse,
  TransferPeer,
  TransferState,
  type Transfer,
} from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { File, SwarmMember } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { FakeAgent, INFOHASH, transferOf } from './fake-agent.js';
import { cli, type CliOptions, type CliResult } from './harness.js';

const HOSTILE = 'evil\u001b[2J\u202e.bin';
let agent: FakeAgent;

beforeEach(async () => {
  agent = await FakeAgent.start();
});

afterEach(() => agent.stop());

/** Runs a command against the fake agent. */
function on(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return cli(args, { ...options, environment: { ENJAMBRE_AGENT: agent.address, ...options.environment } });
}

describe('enjambre ls', () => {
  test('shows a table with escaped hostile names', async () => {
    agent.script.transfers = () => [
      transferOf({ name: HOSTILE, uploadRate: 5_000_000n }),
      transferOf({ name: 'b', state: TransferState.DOWNLOADING, doneBytes: 999_999n, downloadRate: 1000n }),
      transferOf({ name: 'c', state: TransferState.RESOLVING, sizeBytes: 0n, doneBytes: 0n }),
    ];

    const { stdout } = await on(['ls']);

    expect(stdout).toMatchInlineSnapshot(`
     "NAME                   STATE        DONE  SIZE    DOWN      UP  PEERS  VERSION  INFOHASH  PATH                       SENT  RATIO  REASON  ADDED
     evil\\x1b[2J\\u202e.bin  seeding      100%  1 MB       -  5 MB/s      0           5d41402a  /data/downloads/model.bin   0 B      -
     b                      downloading   99%  1 MB  1 kB/s       -      0           5d41402a  /data/downloads/model.bin   0 B      -
     c                      resolving      0%     ?       -       -      0           5d41402a  /data/downloads/model.bin   0 B      -
     "
    `);
  });

  test.each([
    ['failed', TransferState.FAILED],
    ['missing', TransferState.MISSING],
  ])('shows no percentage for content that was complete and is %s since', async (word, state) => {
    const failed = transferOf({ state, message: 'it is not there any more' });
    agent.script.transfers = () => [failed, { ...failed, doneBytes: 500_000n }];
    agent.script.transfer = () => failed;

    const shown = (await on(['ls'])).stdout.match(new RegExp(`${word} +\\S+`, 'g'));
    expect(shown?.map((text) => text.replace(/ +/, ' '))).toEqual([`${word} ?`, `${word} 50%`]);
    expect((await on(['status', 'x'])).stdout).not.toMatch(/100%|done/);
    expect((await on(['ls', '--json'])).objects()[0]).toMatchObject({ state: word });
  });

  test('suggests the next step when there are no transfers', async () => {
    agent.script.transfers = () => [];

    expect(await on(['ls'])).toMatchObject({
      stdout: '',
      stderr: expect.stringContaining('`enjambre share PATH`'),
    });
    expect((await on(['ls', '-q'])).stderr).toBe('');
    expect((await on(['ls', '--json'])).stdout).toBe('');
  });

  test('prints one object for each transfer with --json, before or after the command', async () => {
    agent.script.transfers = () => [transferOf({ addedAt: new Date(0) }), transferOf({ name: HOSTILE })];

    const { stdout, objects } = await on(['--json', 'ls']);

    expect(stdout).not.toContain('\u202e');
    expect(objects()).toMatchObject([
      { type: 'transfer', state: 'seeding', size_bytes: 1_000_000 },
      { name: HOSTILE },
    ]);
    expect(objects()[0]?.added_at).toBe('1970-01-01T00:00:00.000Z');
    expect((await on(['ls', '--json'])).stdout).toBe(stdout);
  });
});

test('history refuses a limit that is too high, with the bound', async () => {
  const { code, stderr } = await on(['history', '--limit', '5000']);
  expect(code).toBe(2);
  expect(stderr).toMatch(/from 1 to 1000/);
});

test('resume of a transfer that fails again says why', async () => {
  agent.script.change = () => transferOf({ state: TransferState.FAILED, message: 'the disk is full' });
  const { code, stderr } = await on(['resume', 'model.bin']);
  expect({ code, stderr }).toEqual({
    code: 1,
    stderr: 'enjambre: model.bin failed again: the disk is full\n',
  });
});

describe('enjambre resume waits until the state shows whether the transfer runs again', () => {
  const begins = (...later: Partial<Transfer>[]): void => {
    agent.script.change = () => transferOf({ state: TransferState.CHECKING });
    agent.script.watch = async function* (_, ended) {
      for (const fields of later) yield transferOf(fields);
      await new Promise((resolve) => {
        ended.addEventListener('abort', resolve);
      });
    };
  };

  test.each<[string, Partial<Transfer>, RegExp]>([
    [
      'fails again a moment later',
      { state: TransferState.FAILED, message: 'the disk is full' },
      /^enjambre: model\.bin failed again: the disk is full\n$/,
    ],
    [
      'has no content to resume with',
      { state: TransferState.MISSING, message: '/data is missing' },
      /^enjambre: model\.bin still waits for its files: \/data is missing; `enjambre verify 5d41402a` downloads it again\n$/,
    ],
  ])('one that %s is exit 1, and says why', async (_, last, message) => {
    begins({ state: TransferState.CHECKING }, last);
    const { code, stdout, stderr } = await on(['resume', 'model.bin']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(message);
  });

  test('one that was checked is reported with its state', async () => {
    begins({ state: TransferState.CHECKING }, { state: TransferState.DOWNLOADING });
    const { code, objects } = await on(['resume', 'model.bin', '--json']);
    expect(code).toBe(0);
    expect(objects()).toMatchObject([{ type: 'transfer', state: 'downloading' }]);
  });

  test('a slow one is reported as resumed, with its state', async () => {
    begins({ state: TransferState.RESOLVING });
    const { code, stdout } = await on(['resume', 'model.bin']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'model.bin is resumed: resolving\n' });
  });

  test('until Ctrl-C', async () => {
    begins({ state: TransferState.RESOLVING });
    const interrupt = new AbortController();
    const watch = agent.script.watch!;
    agent.script.watch = (ref, ended) => {
      interrupt.abort();
      return watch(ref, ended);
    };
    expect((await on(['resume', 'model.bin'], { interrupt })).code).toBe(130);
  });
});

describe('enjambre status', () => {
  test('shows what the file system refused to store', async () => {
    agent.script.transfer = () => transferOf({ warning: `no modes${HOSTILE}` });
    expect((await on(['status', 'x'])).stdout).toMatch(/warning {3}no modes.*\.bin/);
    expect((await on(['status', 'x', '--json'])).objects()[0]).toMatchObject({
      warning: `no modes${HOSTILE}`,
    });
  });

  test('shows all details, with peers and why one is banned', async () => {
    agent.script.transfer = (ref) =>
      transferOf({
        name: ref,
        state: TransferState.DOWNLOADING,
        message: 'waiting for peers',
        doneBytes: 500_000n,
        donePieceCount: 2,
        downloadRate: 250_000n,
        timeLeft: { seconds: 2n, nanos: 0 },
        wastedBytes: 16_384n,
        peers: [
          {
            ...TransferPeer.fromPartial({ name: 'bob', id: 'b'.repeat(64), connected: true }),
            downloadedBytes: 500_000n,
          },
          TransferPeer.fromPartial({ name: 'mallory', id: 'e'.repeat(64), banMessage: 'sent bad data' }),
        ],
      });

    expect((await on(['status', 'model.bin'])).stdout).toMatchInlineSnapshot(`
     "model.bin
       state     downloading, 50%
       reason    waiting for peers
       size      1 MB, 4 pieces of 256 KiB
       done      500 kB, 2 pieces
       rate      down 250 kB/s, up 0 B/s, 2s left
       received  1 MB, of which 16.4 kB were discarded
       sent      0 B
       time      2.5s downloading
       path      /data/downloads/model.bin
       infohash  5d41402abc4b2a76b9719d911017c5920123456789abcdef0123456789abcdef
       origin    downloaded

     PEER     ID        ENDPOINT  RECEIVED  SENT  DOWN  UP  STATUS
     bob      bbbbbbbb  -           500 kB   0 B     -   -  connected
     mallory  eeeeeeee  -              0 B   0 B     -   -  banned: sent bad data
     "
    `);
    expect((await on(['status', 'model.bin', '--json'])).objects()).toMatchObject([
      {
        type: 'transfer',
        time_left_seconds: 2,
        active_seconds: 2.5,
        peers: [
          { id: 'b'.repeat(64), name: 'bob', downloaded_bytes: 500_000 },
          { name: 'mallory', ban_message: 'sent bad data' },
        ],
      },
    ]);
  });
});

describe('enjambre pause, resume, verify and rm', () => {
  test.each([
    ['pause', /model\.bin is paused\n$/],
    ['resume', /model\.bin is resumed: seeding/],
    ['verify', /model\.bin is being checked\n$/],
  ])('%s calls the agent', async (what, sentence) => {
    const asked: string[] = [];
    agent.script.change = (...args) => {
      asked.push(...args);
      return transferOf();
    };

    expect((await on([what, 'model.bin'])).stdout).toMatch(sentence);
    expect(asked).toEqual([what, 'model.bin']);
    expect((await on([what, 'model.bin', '--json'])).objects()).toMatchObject([{ type: 'transfer' }]);
  });

  test('rm reports what happened to the files', async () => {
    const asked: boolean[] = [];
    agent.script.remove = ({ deleteData }) => {
      asked.push(deleteData);
      return RemoveTransferResponse.fromPartial({ transfer: transferOf(), filesDeleted: deleteData });
    };

    expect((await on(['rm', 'a'])).stdout).toBe(
      'model.bin is removed; its files are kept: /data/downloads/model.bin\n',
    );
    expect((await on(['rm', 'a', '--data'])).stdout).toBe('model.bin is removed; its files are deleted\n');
    expect((await on(['rm', 'a', '--json'])).objects()).toMatchObject([
      { type: 'removed', files_deleted: false },
    ]);
    expect(asked).toEqual([false, true, false]);
  });

  test('rm lists the files that are kept, and why', async () => {
    const forced: boolean[] = [];
    agent.script.remove = ({ force }) => {
      forced.push(force);
      return RemoveTransferResponse.fromPartial({
        transfer: transferOf(),
        filesDeleted: true,
        deletedCount: 3,
        keptCount: 22,
        kept: [
          { path: '/d/notes.txt', reason: KeptReason.FOREIGN },
          { path: `/d/${HOSTILE}`, reason: KeptReason.CHANGED },
          { path: '/d/new', reason: KeptReason.UNSPECIFIED },
        ],
      });
    };

    const { stdout } = await on(['rm', 'a', '--data', '--force']);
    expect(stdout.split('\n')).toEqual([
      'model.bin is removed; 3 files are deleted, 22 are kept:',
      '  /d/notes.txt: is not part of the transfer',
      expect.stringMatching(/^ {2}.*: has changed since the download$/),
      '  /d/new',
      '  and 19 more',
      expect.stringContaining('--force'),
      '',
    ]);
    expect((await on(['rm', 'a', '--data', '--json'])).objects()).toMatchObject([
      {
        deleted_count: 3,
        kept_count: 22,
        kept: [{ path: '/d/notes.txt', reason: 'FOREIGN' }, { reason: 'CHANGED' }, { path: '/d/new' }],
      },
    ]);
    expect(await on(['rm', 'a', '--force'])).toMatchObject({ code: 2 });
    expect(forced).toEqual([true, false]);
  });
});

describe('enjambre files and peers', () => {
  const file = File.fromPartial({ infohash: INFOHASH, name: 'a', seederCount: 2, publisherName: 'alice' });

  test('files reads all pages', async () => {
    agent.script.files = (query, token) => ({
      files: [{ ...file, name: `${query}${token || '1'}` }],
      nextPageToken: token === '' ? '2' : '',
    });

    const { objects } = await on(['files', 'q', '--json']);

    expect(objects()).toMatchObject([
      { type: 'file', name: 'q1', seeder_count: 2, publisher: { name: 'alice' } },
      { type: 'file', name: 'q2' },
    ]);
    expect((await on(['files'])).stdout).toMatch(
      /^NAME +SIZE +VERSION +AGE +PUBLISHER +SEEDERS +LEECHERS +INFOHASH /,
    );
  });

  test('an empty list suggests the next step', async () => {
    agent.script.files = () => ({ files: [], nextPageToken: '' });
    agent.script.peers = () => ({ members: [], nextPageToken: '', banned: {} });

    expect((await on(['files'])).stderr).toBe(
      'no files are shared yet: share one with `enjambre share PATH`\n',
    );
    expect((await on(['files', 'x'])).stderr).toContain('no file matches x');
    expect((await on(['peers'])).stderr).toContain('`enjambre agent`');
    expect((await on(['peers', 'x'])).stderr).toContain('`enjambre files`');
  });

  test('peers lists connected peers, and with a ref the peers of that file', async () => {
    const member = SwarmMember.fromPartial({
      peer: {
        id: 'b'.repeat(64),
        name: 'bob',
        endpoint: '10.0.0.7:7072',
        labels: { zone: 'eu' },
        seedingCount: 3,
      },
    });
    agent.script.peers = (ref) => ({
      members: [ref === '' ? member : { ...member, leftBytes: 5n }],
      nextPageToken: '',
      banned: {},
    });

    expect((await on(['peers'])).stdout).toMatch(/bob +bbbbbbbb +10\.0\.0\.7:7072 +3 +0 +zone=eu/);
    expect((await on(['peers', 'a'])).stdout).toMatch(/bob +bbbbbbbb +10\.0\.0\.7:7072 +all but 5 B/);
    expect((await on(['peers', '--json'])).objects()[0]).not.toHaveProperty('seeder');
    expect((await on(['peers', 'a', '--json'])).objects()).toMatchObject([
      { id: 'b'.repeat(64), name: 'bob', seeder: false, left_bytes: 5 },
    ]);
  });

  test('peers marks those that the agent has banned, and why', async () => {
    const [bob, mallory] = ['bob', 'mallory'].map((name) =>
      SwarmMember.fromPartial({ peer: { id: name[0]!.repeat(64), name } }),
    );
    agent.script.peers = () => ({
      members: [bob!, mallory!],
      nextPageToken: '',
      banned: { [mallory!.peer!.id]: `sent ${HOSTILE}` },
    });

    for (const args of [['peers'], ['peers', 'a']]) {
      const { stdout } = await on(args);
      expect(stdout).toMatch(/STATUS\n/);
      expect(stdout).toContain('banned: sent evil\\x1b[2J\\u202e.bin\n');
      expect(stdout.match(/banned/g)).toHaveLength(1);
    }
    const [first, second] = (await on(['peers', 'a', '--json'])).objects();
    expect(first).not.toHaveProperty('ban_message');
    expect(second).toMatchObject({ name: 'mallory', ban_message: `sent ${HOSTILE}` });
  });

  test('an unreachable tracker is exit 4', async () => {
    agent.script.files = () => {
      throw new EnjambreError('unavailable', 'NO_TRACKER', 'the tracker is away');
    };

    expect(await on(['files'])).toMatchObject({ code: 4, stderr: 'enjambre: the tracker is away\n' });
  });

  test('a tracker can be queried without an agent', async () => {
    const { code, stderr } = await cli(['files', '--tracker', '127.0.0.1:1']);

    expect(code).toBe(4);
    expect(stderr).toBe('enjambre: no tracker answers at 127.0.0.1:1: start one with `enjambre tracker`\n');
  });
});

describe('enjambre peers --banned and unban', () => {
  const ban = {
    peerId: 'e'.repeat(64),
    peerName: 'mallory',
    message: 'sent bytes that do not belong to piece 3',
    bannedAt: new Date(Date.now() - 720_000),
    expiresAt: new Date(Date.now() + 2_880_000),
  };

  test('lists all pages of bans: peer, start, end, reason', async () => {
    agent.script.bans = (token) => ({
      bans: [token === '' ? ban : { ...ban, peerId: 'f'.repeat(64), peerName: '', message: HOSTILE }],
      nextPageToken: token === '' ? '2' : '',
    });

    expect((await on(['peers', '--banned'])).stdout).toMatch(
      /^PEER +ID +SINCE +ENDS +REASON\nmallory +eeeeeeee +12m[0-9s]* ago +in 4[78]m[0-9s]* +sent bytes .* piece 3\n- +ffffffff .*evil\\x1b/,
    );
    expect((await on(['peers', '--banned', '--json'])).objects()).toMatchObject([
      {
        type: 'ban',
        peer: { id: ban.peerId, name: 'mallory' },
        message: ban.message,
        banned_at: ban.bannedAt.toISOString(),
        expires_at: ban.expiresAt.toISOString(),
      },
      { type: 'ban', peer: { id: 'f'.repeat(64) } },
    ]);
  });

  test('says so when no peer is banned', async () => {
    agent.script.bans = () => ({ bans: [], nextPageToken: '' });

    expect((await on(['peers', '--banned'])).stderr).toBe('this agent has banned no peers\n');
  });

  test.each([[['peers', 'x', '--banned']], [['peers', '--banned', '--tracker', '127.0.0.1:1']]])(
    '%j is wrong usage: bans are an agent’s own',
    async (args) => {
      expect(await on(args)).toMatchObject({ code: 2, stdout: '' });
    },
  );

  test('unban lifts a ban, and prints its reason', async () => {
    const asked: string[] = [];
    agent.script.liftBan = (peer) => {
      asked.push(peer);
      return { ban };
    };

    expect((await on(['unban', 'mallory'])).stdout).toBe(
      `mallory (eeeeeeee) is no longer banned; the reason was: ${ban.message}\n`,
    );
    expect((await on(['unban', 'eeeeeeee', '--json'])).objects()).toMatchObject([
      { type: 'unbanned', peer: { id: ban.peerId, name: 'mallory' } },
    ]);
    expect(asked).toEqual(['mallory', 'eeeeeeee']);
  });

  test('unban of a peer that is not banned is exit 3', async () => {
    agent.script.liftBan = () => {
      throw new EnjambreError('not-found', 'NOT_BANNED', 'no ban');
    };

    expect(await on(['unban', 'bob'])).toMatchObject({ code: 3, stderr: 'enjambre: no ban\n' });
  });
});

describe('the agent', () => {
  test('that does not run is exit 4, with the next step', async () => {
    const address = `unix:${agent.dataDir}/nobody.sock`;
    const { code, stderr, objects } = await cli(['ls', '--json', '--agent', address]);

    const message = `no agent answers at ${address}: start one with \`enjambre agent\` (or \`enjambre dev\`)`;
    expect(code).toBe(4);
    expect(stderr).toBe(`enjambre: ${message}\n`);
    expect(objects()).toEqual([{ type: 'error', reason: 'AGENT_UNREACHABLE', message, exit_code: 4 }]);
  });

  test('over TCP receives the token', async () => {
    agent.script.transfers = () => [];
    const port = await agent.listen('127.0.0.1:0');

    await on(['ls', '--agent', `127.0.0.1:${port}`, '--token', 'secret']);

    expect(agent.metadata?.get('authorization')).toEqual(['Bearer secret']);
  });

  test('that refuses the token: the error says where the token is', async () => {
    agent.script.transfers = () => {
      throw new EnjambreError('unauthenticated', 'BAD_TOKEN', 'no');
    };

    const { code, stderr } = await on(['ls']);

    expect(code).toBe(1);
    expect(stderr).toMatch(/--token-file, --token or ENJAMBRE_TOKEN/);
  });

  test('cannot send control characters to a terminal', async () => {
    agent.script.transfers = () => {
      throw new EnjambreError('precondition', 'X', `bad ${HOSTILE}`);
    };

    expect((await on(['ls'])).stderr).toBe('enjambre: bad evil\\x1b[2J\\u202e.bin\n');
  });
});
