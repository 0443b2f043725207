import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { waitFor } from '@enjambre/harness/wait-for';
import { BansFile } from '../../src/adapters/state/bans-file.js';
import { createLogger } from '@enjambre/common/log/logger';
import { RejectReason } from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import { bytesOf, metainfoOf } from '../support/content.js';
import { DownloadAgent } from '../support/download-agent.js';
import { HostileUploader, type Script } from '../support/hostile-uploader.js';
import { peerNamed } from '../support/ids.js';

const BLOCK = 256 * 1024;
const PIECE = 4 * BLOCK;
const PIECES = 12;
const data = bytesOf(PIECES * PIECE);
const content = { data, metainfo: metainfoOf(data, PIECE) };

let agent: DownloadAgent;
const uploaders: HostileUploader[] = [];

beforeEach(async () => {
  agent = await DownloadAgent.start();
});

afterEach(async () => {
  await agent.stop();
  for (const uploader of uploaders.splice(0)) uploader.stop();
});

async function uploader(
  name: string,
  script: (self: () => HostileUploader) => Script,
): Promise<HostileUploader> {
  const made: HostileUploader[] = [];
  const self = (): HostileUploader => made[0]!;
  made.push(await HostileUploader.start(name, content, script(self)));
  uploaders.push(self());
  return self();
}

const flipped = (bytes: Uint8Array): Buffer => {
  const copy = Buffer.from(bytes);
  copy[77]! ^= 1;
  return copy;
};
const later = (ms: number, run: () => void): void => void setTimeout(run, ms).unref();

/** Sends the requested blocks, some with wrong bytes. */
const corrupting =
  (corrupts: (nth: number) => boolean) =>
  (self: () => HostileUploader): Script => ({
    request: (request, victim) => {
      const right = self().block(request);
      const wrong = corrupts(self().requests) && { data: flipped(right.value.data) };
      later(5, () => victim.answer(self().block(request, wrong || {})));
    },
  });

const haveShownThemselves = (): boolean =>
  new Set([...agent.bans.banned, ...agent.bans.blamed]).size >= Object.keys(culprits).length;

/**
 * Honest. The last piece waits until all culprits have revealed themselves: the test is whether they are found, not who
 * is faster.
 */
const answeringAfter =
  (ms: number) =>
  (self: () => HostileUploader): Script => ({
    request: function answer(request, victim): void {
      later(ms, () => {
        if (request.piece === PIECES - 1 && !haveShownThemselves()) answer(request, victim);
        else victim.answer(self().block(request));
      });
    },
  });

/** By name. Each of `culprits` does something that no honest peer does; the others may be honest. */
const culprits: Record<string, (self: () => HostileUploader) => Script> = {
  'corrupts some': corrupting((nth) => nth % 3 === 1),
  'corrupts all': corrupting(() => true),
  garbage: (self) => ({
    ready: (victim) =>
      victim.answer(self().block({ id: 9, piece: 1, begin: 5, length: 0 }, { data: Buffer.alloc(77) })),
    request: () => undefined,
  }),
  'impossible bitfield': (self) => ({
    greet: (victim) =>
      victim.say(self().hello(), { $case: 'bitfield', value: { bits: Uint8Array.of(0xff, 0xff) } }),
  }),
};
const suspicious: Record<string, (self: () => HostileUploader) => Script> = {
  slow: answeringAfter(1500),
  silent: () => ({ request: () => undefined }),
  'claims what it lacks': () => ({
    request: ({ id }, victim) =>
      victim.answer({ $case: 'reject', value: { id, reason: RejectReason.NOT_AVAILABLE } }),
  }),
};

describe('a download from one honest seeder among hostile peers of every kind', () => {
  it('completes correctly, finds senders of bad data, and bans protocol violators only', async () => {
    const honest = await uploader('honest', answeringAfter(20));
    const others: HostileUploader[] = [];
    for (const [name, script] of Object.entries({ ...suspicious, ...culprits }))
      others.push(await uploader(name, script));
    agent.tracker.add(...others.map(({ address }) => address), honest.address);

    const transfer = await agent.download(content.metainfo);
    const file = await agent.finished(transfer);

    expect(file.equals(data)).toBe(true);
    expect(others.every(({ visits }) => visits > 0)).toBe(true);
    const reasons = Object.fromEntries(agent.bans.list().map(({ name, reason }) => [name, reason]));
    const senders = ['corrupts some', 'corrupts all'].map((name) => peerNamed(name)).sort();
    expect([...new Set(agent.bans.blamed)].sort()).toEqual(senders);
    // One of them may have done it for the third time by then.
    const { 'corrupts some': some, 'corrupts all': every, ...breakers } = reasons;
    for (const reason of [some, every])
      if (reason !== undefined) expect(reason).toMatch(/^sent bytes that do not belong to piece \d+$/);
    expect(breakers).toEqual({
      garbage: expect.stringMatching(/^sent 77 bytes at 5 of piece 1, which is not a block$/),
      'impossible bitfield': expect.stringMatching(/bitfield/),
    });
    // People who inspect the transfer see the same, and so does the tracker.
    const shown = transfer
      .view()
      .peers.flatMap(({ name, banned }) => (banned === '' ? [] : [[name, banned]]));
    for (const [name, banned] of shown) expect(reasons[name!]).toBe(banned);
    expect(agent.tracker.bans.map(({ peerId, reason }) => [peerId, reason]).sort()).toEqual(
      Object.entries(reasons)
        .map(([name, reason]) => [peerNamed(name), reason])
        .sort(),
    );
  }, 60_000);
});

describe('a banned peer', () => {
  const mallory = peerNamed('mallory');
  const bad = (): Promise<HostileUploader> =>
    uploader(
      'mallory',
      corrupting(() => true),
    );

  it('stays banned in the next process', async () => {
    const hostile = await bad();
    agent.tracker.add(hostile.address);
    const download = await agent.download(content.metainfo);
    await waitFor(() => agent.bans.banned.length > 0, { what: 'the ban' });
    const shown = download.view().peers.map(({ name, banned }) => [name, banned]);
    expect(shown).toEqual([['mallory', agent.bans.reasonFor(mallory)]]);
    await agent.halt();
    agent = await DownloadAgent.start(agent.folder);
    agent.tracker.add(hostile.address);
    agent.tracker.add((await uploader('honest', () => ({}))).address);
    const [transfer] = agent.transfers.list();
    expect((await agent.finished(transfer!)).equals(data)).toBe(true);
    expect(hostile.visits).toBe(3);
    expect(agent.bans.reasonFor(mallory)).toMatch(/^sent bytes that do not belong/);
    const kept = await new BansFile(
      agent.folder.at('data'),
      createLogger({ name: 't', level: 'silent' }),
    ).load();
    expect(kept.map(({ peerId }) => peerId)).toEqual([mallory]);
  });

  it('is dropped by all downloads at once, and used by them again once its ban is lifted', async () => {
    let answers = false;
    const hostile = await uploader('mallory', (self) => ({
      request: (request, victim) => {
        if (answers) victim.answer(self().block(request));
      },
    }));
    agent.tracker.add(hostile.address);
    const transfer = await agent.download(content.metainfo);
    await waitFor(() => hostile.requests > 0, { what: 'requests', everyMs: 5 });
    agent.bans.ban({ peerId: mallory, name: 'mallory', infohash: content.metainfo.infohash }, 'elsewhere');
    await waitFor(() => transfer.view().peers.every(({ connected }) => !connected), {
      what: 'the end of the link',
    });
    answers = true;
    await agent.bans.lift('mallory');
    expect((await agent.finished(transfer)).equals(data)).toBe(true);
    expect(hostile.visits).toBe(2);
    expect(agent.bans.banned).toEqual([]);
  });
});
