import { describe, expect, test } from '@jest/globals';
import { listed, type Finding } from './finding.js';
import { judgeClocks } from './judge-clock.js';
import { judgeConfig, nearest } from './judge-config.js';
import { judgeFolder, type FolderFacts } from './judge-disk.js';
import { judgeLimits } from './judge-limits.js';
import {
  judgeAgent,
  judgeEndpoint,
  judgeMessaging,
  judgePeers,
  judgeTrackers,
  type Answerer,
  type PeerFacts,
} from './judge-reach.js';
import { judgeVersions } from './judge-versions.js';

const GIB = 2 ** 30;
const EXT4 = 0xef53;

/** The levels, and patterns that the messages must match, in order. */
function expectFindings(findings: readonly Finding[], ...expected: [Finding['level'], ...RegExp[]][]): void {
  expect(findings.map(({ level, message }) => `${level} ${message}`)).toHaveLength(expected.length);
  expected.forEach(([level, ...patterns], at) => {
    expect(findings[at]?.level).toBe(level);
    for (const pattern of patterns) expect(findings[at]?.message).toMatch(pattern);
  });
}

describe('settings', () => {
  const none = { problems: [], unknown: [], old: [] };

  test('are ok without a problem', () => {
    expectFindings(judgeConfig({ ...none, dataDir: '/data', sharedDir: '/data2' }), ['ok']);
  });

  test('fail for each invalid value, by its name', () => {
    const problems = ['--listen: "x" is not an address', 'ENJAMBRE_LABEL: "y" is not a label'];
    expectFindings(judgeConfig({ ...none, problems }), ['fail', /--listen/], ['fail', /ENJAMBRE_LABEL/]);
  });

  test('warn of a variable without effect, and suggest the intended one', () => {
    const unknown = [{ name: 'ENJAMBRE_FOO' }, { name: 'ENJAMBRE_TRAKER', meant: 'ENJAMBRE_TRACKER' }];
    expectFindings(
      judgeConfig({ ...none, unknown }),
      ['warn', /ENJAMBRE_FOO .*unset it/],
      ['warn', /did you mean ENJAMBRE_TRACKER\?/],
    );
  });

  test('warn of a variable in its older form', () => {
    const old = [{ name: 'ENJAMBRE_LISTEN', instead: 'ENJAMBRE_AGENT_LISTEN' }];
    expectFindings(judgeConfig({ ...none, old }), ['warn', /set ENJAMBRE_AGENT_LISTEN/]);
  });

  test('fail if the data folder is inside the shared folder', () => {
    expectFindings(judgeConfig({ ...none, dataDir: '/a/b', sharedDir: '/a' }), ['fail', /move one/]);
  });

  test.each([
    ['DOWNLAOD_DIR', 'DOWNLOAD_DIR'],
    ['TRAKER', 'TRACKER'],
    ['QUITE_ELSE', undefined],
  ])('of %s the nearest name is %p', (name, meant) => {
    expect(nearest(name, ['DATA_DIR', 'DOWNLOAD_DIR', 'TRACKER'])).toBe(meant);
  });
});

describe('reachability', () => {
  const up = { address: 'a:1', answeredMs: 3.2 };
  const down = { address: 'b:1', silence: 'nothing listens there' };

  test('an agent that does not answer is a failure with a next step', () => {
    expectFindings(judgeAgent({ address: 'unix:/x', silence: 'no agent answers: start one' }), [
      'fail',
      /start one/,
    ]);
    expectFindings(judgeAgent({ address: 'unix:/x', name: 'a', answeredMs: 0.2 }), ['ok', /in 1ms/]);
  });

  test('a tracker that is down is a warning beside another, and a failure alone', () => {
    expectFindings(judgeTrackers({ trackers: [up, down] }), ['ok', /a:1/], ['warn', /b:1.*nothing listens/]);
    expectFindings(judgeTrackers({ trackers: [down] }), ['fail', /start it/]);
  });

  test('an agent without a session is a failure, also if its tracker is reachable from here', () => {
    const session = { address: 'a:1', problem: 'no route' };
    expectFindings(judgeTrackers({ trackers: [up], session }), ['ok'], ['fail', /no route.*from here/]);
    expectFindings(judgeTrackers({ trackers: [down], session }), ['fail'], ['fail', /see above/]);
    expectFindings(judgeTrackers({ trackers: [up], session: { ...session, problem: '' } }), ['ok']);
  });

  test('messaging is judged by its health and by the session of the agent', () => {
    expectFindings(judgeMessaging({}), ['ok', /none is configured/]);
    expectFindings(judgeMessaging({ address: 'm:1', health: 'serving', problem: '' }), ['ok']);
    expectFindings(judgeMessaging({ address: 'm:1', health: 'serving', problem: 'x' }), ['warn', /log/]);
    expectFindings(judgeMessaging({ address: 'm:1', health: 'not-serving' }), ['fail', /NATS/]);
    expectFindings(judgeMessaging({ address: 'm:1', health: { silence: 'gone' } }), ['fail', /gone.*start/]);
  });

  test('an advertised address must lead to the agent itself', () => {
    const endpoint = '10.0.0.7:7072';
    const judge = (facts: Partial<Parameters<typeof judgeEndpoint>[0]>): Finding[] =>
      judgeEndpoint({ endpoint, allOnLoopback: false, ...facts });
    expectFindings(judge({ answerer: 'itself' }), ['ok', /10\.0\.0\.7:7072/]);
    expectFindings(judge({ answerer: 'another' }), ['fail', /another agent.*--advertise/]);
    expectFindings(judge({ answerer: { silence: 'no route' } }), ['fail', /no route.*--advertise/]);
    expectFindings(judge({ endpoint: '' }), ['warn', /no tracker has reported/]);
  });

  test('an advertised address that the tracker refuses is a failure if it is the only one', () => {
    const refused = ['203.0.113.7:7072'];
    const judge = (facts: Partial<Parameters<typeof judgeEndpoint>[0]>): Finding[] =>
      judgeEndpoint({
        endpoint: '10.0.0.7:7072',
        answerer: 'itself',
        refused,
        allOnLoopback: false,
        ...facts,
      });
    expectFindings(judge({ endpoint: '' }), ['fail', /203\.0\.113\.7:7072.*--advertise.*--allow-endpoints/]);
    expectFindings(judge({}), ['ok', /does not send peers elsewhere 203\.0\.113\.7:7072/]);
  });

  test('of several addresses, those that do not lead to the agent are named', () => {
    const judge = (...others: Answerer[]): Finding[] =>
      judgeEndpoint({
        ...{ endpoint: 'a:1', answerer: 'itself', allOnLoopback: false },
        others: others.map((answerer, at) => ({ endpoint: `b${at}:1`, answerer })),
      });
    expectFindings(judge('itself', 'itself'), ['ok', /a:1, b0:1, b1:1/]);
    expectFindings(judge('another', { silence: 'no route' }), [
      'warn',
      /answers at a:1, but not at b0:1 \(another agent.*b1:1 \(no route\).*--advertise/,
    ]);
  });

  test('an agent that other machines cannot reach is a warning if the tracker reports it', () => {
    const facts = { endpoint: '127.0.0.1:7072', answerer: 'itself', allOnLoopback: true } as const;
    expectFindings(judgeEndpoint({ ...facts, unreachable: true }), ['warn', /no other machine.*--listen/]);
  });

  test('a loopback address is a warning, unless everything is on one machine', () => {
    const facts = { endpoint: '127.0.0.1:7072', answerer: 'itself' } as const;
    expectFindings(judgeEndpoint({ ...facts, allOnLoopback: false }), ['warn', /no other machine/]);
    expectFindings(judgeEndpoint({ ...facts, allOnLoopback: true }), ['ok']);
  });

  test('some silent peers are a warning, none reached is a failure', () => {
    const peer = (name: string, answerer: PeerFacts['answerer']): PeerFacts => ({
      name,
      endpoint: `${name}:1`,
      answerer,
    });
    const gone = { silence: 'gone' };
    expectFindings(judgePeers([]), ['ok', /no other peer/]);
    expectFindings(judgePeers([peer('a', 'itself')]), ['ok', /1 peer/]);
    expectFindings(judgePeers([peer('a', 'itself'), peer('b', gone)]), ['warn', /1 of 2.*b at b:1 \(gone\)/]);
    expectFindings(judgePeers([peer('a', 'another'), peer('b', gone)]), ['fail', /2 of 2.*another agent/]);
  });
});

describe('clocks', () => {
  const at = (offsetMs: number) => ({ offsetMs, errorMs: 20 });
  const judge = (agentMs: number, trackerMs: number, jumpMs = 0): Finding[] =>
    judgeClocks({ agent: at(agentMs), trackers: [{ address: 't:1', clock: at(trackerMs) }], jumpMs });

  test('that agree are ok, within the error bound of the round trips', () => {
    expectFindings(judge(5, -5), ['ok', /agree within/]);
    expectFindings(judge(2030, 0), ['ok']); // 40 ms of it may be the network's.
  });

  test('that differ are a warning, and by more than a minute a failure', () => {
    expectFindings(judge(5000, 0), ['warn', /5s ahead of.*NTP/]);
    expectFindings(judge(0, 90_000), ['fail', /1m30s behind/]);
  });

  test('are those of this machine if no agent answers', () => {
    const trackers = [{ address: 't:1', clock: at(10_000) }];
    expectFindings(judgeClocks({ trackers, jumpMs: 0 }), ['warn', /the clock here is 10s behind/]);
  });

  test('cannot be compared with a tracker that does not report its time', () => {
    expectFindings(judgeClocks({ trackers: [{ address: 't:1' }], jumpMs: 0 }), ['ok', /older version/]);
  });

  test('that jump during the check are a warning', () => {
    expectFindings(judge(0, 0, -800), ['ok'], ['warn', /jumped by 800ms/]);
  });
});

describe('a folder', () => {
  const good: FolderFacts = {
    what: 'download folder',
    path: '/d',
    exists: true,
    freeBytes: 50 * GIB,
    totalBytes: 100 * GIB,
    freeInodes: 100_000,
    totalInodes: 200_000,
    fileSystem: EXT4,
    syncMs: 2,
    foldsCase: false,
    neededBytes: 0,
  };

  test.each<[string, Partial<FolderFacts>, Finding['level'], RegExp]>([
    ['with free space on a local disk is ok', {}, 'ok', /53\.7 GB free on ext4.*takes 2ms/],
    ['on an unknown file system is ok', { fileSystem: 1 }, 'ok', /a local disk/],
    ['that is not writable fails', { refusal: 'read-only file system' }, 'fail', /read-only.*writable/],
    [
      'that cannot be created fails',
      { refusal: 'no', exists: false },
      'fail',
      /does not exist.*folder above/,
    ],
    ['without free space fails', { freeBytes: 1e6 }, 'fail', /is full.*free some space/],
    ['too small for its downloads fails', { neededBytes: 60 * GIB }, 'fail', /64\.4 GB more/],
    ['without inodes fails', { freeInodes: 3 }, 'fail', /3 more files/],
    ['with little free space is a warning', { freeBytes: 0.5 * GIB }, 'warn', /nearly full/],
    ['in memory is a warning', { fileSystem: 0x0102_1994 }, 'warn', /tmpfs.*lost when the machine restarts/],
    ['on NFS is a warning', { fileSystem: 0x6969 }, 'warn', /NFS.*local disk/],
    ['in a container is a warning', { fileSystem: 0x794c_7630 }, 'warn', /mount a volume/],
    ['with slow writes is a warning', { syncMs: 250 }, 'warn', /250ms/],
    ['that is case-insensitive is a warning', { foldsCase: true }, 'warn', /is case-insensitive/],
  ])('%s', (_, facts, level, message) => {
    expectFindings(judgeFolder({ ...good, ...facts }), [level, message]);
  });

  test('with several faults has a finding for each', () => {
    const facts = { ...good, freeBytes: 0.5 * GIB, fileSystem: 0x6969, syncMs: 300 };
    expectFindings(judgeFolder(facts), ['warn', /nearly/], ['warn', /NFS/], ['warn', /300ms/]);
  });

  test('without a count of inodes is not short of them', () => {
    expectFindings(judgeFolder({ ...good, totalInodes: 0, freeInodes: 0 }), ['ok']);
  });
});

describe('limits', () => {
  test('that are high enough are ok', () => {
    expectFindings(judgeLimits({ openFiles: 20_000, ofAgent: true, maxUpload: 0, maxDownload: 1e9 }), [
      'ok',
      /the agent may open 20000/,
    ]);
    expectFindings(judgeLimits({ ofAgent: false }), ['ok']);
  });

  test.each<[Partial<Parameters<typeof judgeLimits>[0]>, Finding['level'], RegExp]>([
    [{ openFiles: 100 }, 'fail', /only 100 files, too few.*ulimit -n/],
    [{ openFiles: 512, ofAgent: true }, 'warn', /the agent may open only 512/],
    [{ maxUpload: 100_000 }, 'warn', /--max-upload is 100 kB\/s.*2\.6s/],
    [{ maxDownload: 1000 }, 'warn', /--max-download/],
    [{ threads: 1 }, 'warn', /UV_THREADPOOL_SIZE is 1/],
    [{ watches: 100 }, 'warn', /max_user_watches/],
    [{ memoryBytes: 2 ** 28 }, 'warn', /268 MB of memory/],
  ])('%p is too low', (facts, level, message) => {
    expectFindings(judgeLimits({ ofAgent: false, ...facts }), [level, message]);
  });
});

describe('versions', () => {
  const judge = (...others: [string, string][]): Finding[] =>
    judgeVersions({
      cli: '1.2.0',
      node: 'v20.19.1',
      others: others.map(([who, version]) => ({ who, version })),
    });

  test('that are all the same are ok, and unknown ones are not mentioned', () => {
    expectFindings(judge(['the agent', '1.2.0'], ['tracker t', '1.2.0'], ['peer p', '']), [
      'ok',
      /so are the agent and tracker t$/,
    ]);
    expectFindings(judge(), ['ok', /no other process/]);
  });

  test('that differ are a warning that names them', () => {
    expectFindings(judge(['the agent', '1.2.0'], ['tracker t', '1.1.0']), ['warn', /tracker t is 1\.1\.0/]);
  });

  test('of Node that are too old are a failure', () => {
    const facts = { cli: '1', others: [] };
    expectFindings(judgeVersions({ ...facts, node: 'v20.18.0' }), ['fail', /20\.19/]);
    expectFindings(judgeVersions({ ...facts, node: 'v18.20.0' }), ['fail']);
    expectFindings(judgeVersions({ ...facts, node: 'v24.0.0' }), ['ok']);
  });
});

test('a list names a few and counts the rest', () => {
  expect(listed(['a'])).toBe('a');
  expect(listed(['a', 'b'])).toBe('a and b');
  expect(listed(['a', 'b', 'c', 'd', 'e'])).toBe('a, b, c and 2 more');
});
