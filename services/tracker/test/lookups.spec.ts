import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { callUnary } from '@enjambre/rpc/client';
import {
  AnnounceEvent,
  GetSwarmResponse,
  ListFilesRequest,
  type TrackerServiceClient,
} from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { eventually, Harness, hex, infohash, MODEL, type TestAgent } from './harness.js';

describe('look-ups', () => {
  let harness: Harness;
  let client: TrackerServiceClient;
  let alice: TestAgent;
  let bob: TestAgent;

  const stats = () => callUnary(client.getStats.bind(client), {});
  const listFiles = (request = {}) =>
    callUnary(client.listFiles.bind(client), {
      query: '',
      pageSize: 0,
      pageToken: '',
      exactName: false,
      publisher: '',
      ...request,
    });
  const listPeers = (request = {}) =>
    callUnary(client.listPeers.bind(client), { query: '', pageSize: 0, pageToken: '', ...request });
  const getSwarm = (hash: string, maxPeers = 0) =>
    callUnary(client.getSwarm.bind(client), { infohash: hash, maxPeers });

  beforeAll(async () => {
    harness = await Harness.start();
    client = harness.client();
    alice = await harness.agent('alice', { labels: { zone: 'eu-1' }, version: '1.2.3' });
    bob = await harness.agent('bob');
    for (let n = 1; n <= 5; n += 1) alice.share(infohash(n), { ...MODEL, name: `File ${n}.bin` });
    await eventually(async () => (await stats()).fileCount === 5 || undefined);
    bob.announce(infohash(1), { event: AnnounceEvent.STARTED, leftBytes: 600n, file: undefined });
    bob.announce(infohash(1), {
      leftBytes: 400n,
      downloadedBytes: 600n,
      uploadedBytes: 7n,
      file: undefined,
    });
    bob.announce(infohash(2), {
      event: AnnounceEvent.COMPLETED,
      leftBytes: 0n,
      file: { ...MODEL, name: 'File 2.bin' },
    });
    await eventually(async () => (await stats()).announceCount === 3n || undefined);
  });

  afterAll(() => harness.stop());

  test('list the files in order, page by page', async () => {
    const first = await listFiles({ pageSize: 2 });
    expect(first.files.map(({ name }) => name)).toEqual(['File 1.bin', 'File 2.bin']);
    const second = await listFiles({ pageSize: 2, pageToken: first.nextPageToken });
    const third = await listFiles({ pageSize: 2, pageToken: second.nextPageToken });
    expect(third.files.map(({ name }) => name)).toEqual(['File 5.bin']);
    expect(third.nextPageToken).toBe('');
  });

  test('find files by a part of the name or a prefix of the infohash', async () => {
    expect((await listFiles({ query: 'fILE 3' })).files).toHaveLength(1);
    expect((await listFiles({ query: '04040404' })).files).toMatchObject([{ name: 'File 4.bin' }]);
    expect((await listFiles({ query: 'nothing' })).files).toEqual([]);
  });

  test.each([
    ['no base64url', '!!!'],
    ['no JSON', 'abc'],
    ['numbers', Buffer.from('[1,2]').toString('base64url')],
    ['half a key', Buffer.from('["a"]').toString('base64url')],
    ['an endless text', 'A'.repeat(2000)],
  ])('refuse a page token that is %s', async (_, pageToken) => {
    const refusal = { code: 'invalid', reason: 'BAD_PAGE_TOKEN' };
    await expect(listFiles({ pageToken })).rejects.toMatchObject(refusal);
    await expect(listPeers({ pageToken })).rejects.toMatchObject(refusal);
  });

  test('refuse a negative page size', async () => {
    await expect(listFiles({ pageSize: -1 })).rejects.toMatchObject({
      code: 'invalid',
      reason: 'BAD_PAGE_SIZE',
    });
  });

  test('refuse a query that is longer than any name', async () => {
    const refusal = { code: 'invalid', reason: 'BAD_QUERY' };
    await expect(listFiles({ query: 'x'.repeat(1025) })).rejects.toMatchObject(refusal);
    await expect(listPeers({ query: 'x'.repeat(1025) })).rejects.toMatchObject(refusal);
  });

  test('show one file, whatever the case of its infohash', async () => {
    const hash = hex(infohash(1)).toUpperCase();
    const { file } = await callUnary(client.getFile.bind(client), { infohash: hash });
    expect(file).toMatchObject({ infohash: hex(infohash(1)), name: 'File 1.bin', sizeBytes: 1_000_000n });
    expect(file).toMatchObject({
      seederCount: 1,
      leecherCount: 1,
      publisherName: 'alice',
      fileCount: 1,
      pieceLength: 16_384n,
    });
    expect(file?.sharedAt).toBeInstanceOf(Date);
  });

  test('list a file under each name that its publishers claim, and mark it as disputed', async () => {
    const mallory = await harness.agent('mallory');
    mallory.share(infohash(5), { ...MODEL, name: 'bait.bin', sizeBytes: 7n });
    await mallory.next('problem');
    const claims = [
      { name: 'File 5.bin', sizeBytes: 1_000_000n, publisherName: 'alice', disputed: true },
      { name: 'bait.bin', sizeBytes: 7n, publisherName: 'mallory', disputed: true },
    ];
    for (const claim of claims)
      expect((await listFiles({ query: claim.name, exactName: true })).files).toMatchObject([claim]);
    const answer = await callUnary(client.getFile.bind(client), { infohash: hex(infohash(5)) });
    expect(answer).toMatchObject({ file: claims[0], claims });
    mallory.call.end();
    await eventually(async () => (await stats()).peerCount === 2 || undefined);
    expect((await listFiles({ query: 'File 5.bin' })).files).toMatchObject([{ disputed: false }]);
    expect((await listFiles({ query: 'bait' })).files).toEqual([]);
  });

  test('return NOT_FOUND for a file without peers, and INVALID_ARGUMENT for an invalid infohash', async () => {
    const getFile = (hash: string) => callUnary(client.getFile.bind(client), { infohash: hash });
    await expect(getFile(hex(infohash(9)))).rejects.toMatchObject({
      code: 'not-found',
      reason: 'FILE_NOT_FOUND',
    });
    await expect(getSwarm(hex(infohash(9)))).rejects.toMatchObject({ code: 'not-found' });
    await expect(getFile('abc')).rejects.toMatchObject({ code: 'invalid', reason: 'INVALID_INFOHASH' });
  });

  test('show the members of a swarm', async () => {
    const { members } = await getSwarm(hex(infohash(1)));
    const bobs = members.find(({ peer }) => peer?.name === 'bob');
    expect(members).toHaveLength(2);
    expect(bobs).toMatchObject({ seeder: false, leftBytes: 400n, downloadedBytes: 600n, uploadedBytes: 7n });
    expect((await getSwarm(hex(infohash(1)), 1)).members).toHaveLength(1);
    await expect(getSwarm(hex(infohash(1)), -1)).rejects.toMatchObject({ reason: 'BAD_MAX_PEERS' });
  });

  test('list the peers with their numbers of files', async () => {
    const { peers } = await listPeers();
    expect(peers).toMatchObject([
      {
        name: 'alice',
        id: alice.peerId,
        endpoint: '10.0.0.7:7072',
        seedingCount: 5,
        leechingCount: 0,
        version: '1.2.3',
      },
      { name: 'bob', seedingCount: 1, leechingCount: 1 },
    ]);
    expect(peers[0]).toMatchObject({ labels: { zone: 'eu-1' } });
    expect((await listPeers({ query: bob.peerId.slice(0, 8) })).peers).toMatchObject([{ name: 'bob' }]);
  });

  test('count peers, files and announces', async () => {
    expect(await stats()).toMatchObject({
      trackerCount: 1,
      degraded: false,
      peerCount: 2,
      fileCount: 5,
      seederCount: 6,
      leecherCount: 1,
      completedDownloadCount: 1n,
    });
  });

  test('stay below 4 MiB even if hundreds of peers have long labels', async () => {
    const crowded = await Harness.start();
    const labels = Object.fromEntries([...Array(16).keys()].map((n) => [`label${n}`, '\u20ac'.repeat(255)]));
    const crowd = crowded.client();
    const agents = [...Array(260).keys()].map(() => crowded.stranger());
    await Promise.all(agents.map((agent, n) => agent.greet({ name: `peer ${n}`, labels })));
    const seen = new Set<string>();
    for (let pageToken = ''; ;) {
      const page = await callUnary(crowd.listPeers.bind(crowd), { query: '', pageSize: 1000, pageToken });
      for (const { id: peerId } of page.peers) seen.add(peerId);
      pageToken = page.nextPageToken;
      if (pageToken === '') break;
    }
    expect(seen.size).toBe(260);
    for (const agent of agents) agent.announce(infohash(1));
    const swarm = { infohash: hex(infohash(1)), maxPeers: 200 };
    await eventually(async () => {
      const { file } = await callUnary(crowd.getSwarm.bind(crowd), swarm).catch(() => ({ file: undefined }));
      return file?.leecherCount === 260 || undefined;
    });
    const answer = GetSwarmResponse.encode(await callUnary(crowd.getSwarm.bind(crowd), swarm)).finish();
    expect(answer.length).toBeLessThan(1_000_000);
    await crowded.stop();
  });
});

describe('look-ups of a name that a stranger shares very often', () => {
  test('find the versions of one publisher, whatever strangers share under the name', async () => {
    const NAME = 'weights.bin';
    const harness = await Harness.start();
    const client = harness.client();
    const listFiles = (request: Partial<ListFilesRequest>) =>
      callUnary(client.listFiles.bind(client), ListFilesRequest.create(request));
    const publisher = await harness.agent('publisher');
    const stranger = await harness.agent('stranger');
    const hash = (number: number): Buffer =>
      Buffer.concat([Buffer.alloc(30, 0xee), Buffer.of(number >> 8, number)]);
    for (const number of [1, 2]) publisher.share(hash(number), { ...MODEL, name: NAME });
    for (let number = 3; number <= 1010; number++) stranger.share(hash(number), { ...MODEL, name: NAME });
    const named = { query: NAME, exactName: true, pageSize: 1000 };
    await eventually(async () => {
      const { files, nextPageToken } = await listFiles(named);
      return (files.length === 1000 && nextPageToken !== '') || undefined;
    });
    for (const text of ['publisher', publisher.peerId, publisher.peerId.slice(0, 8)]) {
      const { files, nextPageToken } = await listFiles({ ...named, publisher: text });
      expect(nextPageToken).toBe('');
      expect(files).toMatchObject([
        { infohash: hex(hash(1)), superseded: true },
        { infohash: hex(hash(2)), superseded: false, publications: [{ version: 2 }] },
      ]);
    }
    for (const text of ['nobody', 'Publisher', '0'.repeat(8)])
      expect((await listFiles({ ...named, publisher: text })).files).toEqual([]);
    expect((await listFiles({ ...named, query: 'other.bin', publisher: 'publisher' })).files).toEqual([]);
    const refusal = { code: 'invalid', reason: 'BAD_QUERY' };
    await expect(listFiles({ ...named, publisher: 'x'.repeat(1025) })).rejects.toMatchObject(refusal);
    await harness.stop();
  });
});
