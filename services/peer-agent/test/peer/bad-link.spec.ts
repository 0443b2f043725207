import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { waitFor } from '@enjambre/harness/wait-for';
import { BadLink, type Damage } from '../support/bad-link.js';
import { bytesOf, metainfoOf } from '../support/content.js';
import { DownloadAgent } from '../support/download-agent.js';
import { HostileUploader, type Script } from '../support/hostile-uploader.js';
import { peerNamed } from '../support/ids.js';

const BLOCK = 256 * 1024;
const data = bytesOf(16 * BLOCK);
const content = { data, metainfo: metainfoOf(data, 2 * BLOCK) };
/** Connections of a download to an uploader: for small messages, and for blocks. */
const BOTH = 2;
const HEAD = 9;

let agent: DownloadAgent;
const others: { stop(): void }[] = [];

beforeEach(async () => {
  agent = await DownloadAgent.start();
});

afterEach(async () => {
  await agent.stop();
  for (const other of others.splice(0)) other.stop();
});

async function linkTo(
  name: string,
  damage: Damage,
  script: (self: () => HostileUploader) => Script = () => ({}),
): Promise<BadLink> {
  const made: HostileUploader[] = [];
  const uploader = await HostileUploader.start(
    name,
    content,
    script(() => made[0]!),
  );
  made.push(uploader);
  const link = await BadLink.open(uploader.address, damage);
  others.push(uploader, link);
  return link;
}

/** Flips a bit of the n-th frame that carries a part of a block. */
function once(nth: number, at: number, bit = 1): Damage {
  let frames = 0;
  return (frame) => {
    const isBlock = frame[3] === 0 && frame.length > 10_000;
    if (!isBlock || ++frames !== nth) return false;
    frame[at]! ^= bit;
    return true;
  };
}

describe('a download over a link that flips one bit', () => {
  it.each<[string, Damage]>([
    ['of a block', once(20, HEAD + 5000)],
    ['of the last block', once(255, HEAD + 100)],
    ['of the length of a frame', once(20, 2)],
    ['of the length of a frame, which is then too long', once(20, 0)],
    ['of the type of a frame', once(20, 3)],
    ['of the flags of a frame', once(20, 4)],
    ['of the flags of a frame, which is then padded', once(20, 4, 8)],
    ['of the stream of a frame', once(20, 8, 2)],
    ['of the length of a message, or of a block', once(1, HEAD + 3)],
    ['of the fields before a block', once(1, HEAD + 8)],
  ])('%s is complete without a ban, from its only seeder', async (_, damage) => {
    const link = await linkTo('honest', damage);
    agent.tracker.add(link.address);
    const transfer = await agent.download(content.metainfo);
    expect((await agent.finished(transfer)).equals(data)).toBe(true);
    expect(link.damaged).toBe(1);
    expect(agent.bans.banned).toEqual([]);
    expect(agent.tracker.bans).toEqual([]);
  });

  it('of a bad piece asks for it once more, over new connections', async () => {
    const link = await linkTo('honest', once(20, HEAD + 5000));
    agent.tracker.add(link.address);
    const transfer = await agent.download(content.metainfo);
    await agent.finished(transfer);
    expect(agent.bans.blamed).toEqual([peerNamed('honest')]);
    expect(link.connections).toBe(2 * BOTH);
  });

  it('of the metainfo is complete without a ban, soon', async () => {
    let isDone = false;
    const link = await linkTo('honest', (frame) => {
      if (isDone || frame[3] !== 0 || frame.length < 500) return false;
      frame[frame.length - 50]! ^= 1;
      return (isDone = true);
    });
    agent.tracker.add(link.address);
    const transfer = await agent.resolve(content.metainfo);
    expect((await agent.finished(transfer)).equals(data)).toBe(true);
    expect(link.damaged).toBe(1);
    expect(agent.bans.banned).toEqual([]);
  });
});

describe('a peer that sends wrong bytes on every connection', () => {
  it('is banned with the third, and the download is complete from another', async () => {
    // One block after the other: there is something left to ask for each time.
    let freeMs = 0;
    const slow = (self: () => HostileUploader): Script => ({
      request: (request, victim) => {
        freeMs = Math.max(freeMs, performance.now()) + 50;
        setTimeout(() => victim.answer(self().block(request)), freeMs - performance.now());
      },
    });
    const link = await linkTo(
      'mallory',
      (frame) => {
        if (frame[3] !== 0 || frame.length < 10_000) return false;
        frame[HEAD + 5000]! ^= 1;
        return true;
      },
      slow,
    );
    agent.tracker.add(link.address);
    const transfer = await agent.download(content.metainfo);
    await waitFor(() => agent.bans.banned.length > 0, {
      what: 'the ban',
      seen: () => transfer.view().message,
    });
    expect(agent.bans.blamed.length).toBe(3);
    expect(link.connections).toBe(3 * BOTH);
    const honest = await HostileUploader.start('honest', content);
    others.push(honest);
    agent.tracker.add(honest.address);
    expect((await agent.finished(transfer)).equals(data)).toBe(true);
    expect(agent.bans.banned).toEqual([peerNamed('mallory')]);
  });
});
