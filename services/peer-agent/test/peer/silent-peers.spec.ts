import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { waitFor } from '@enjambre/harness/wait-for';
import type { Transfer } from '../../src/app/transfer/transfer.js';
import { bytesOf, metainfoOf } from '../support/content.js';
import { DownloadAgent } from '../support/download-agent.js';
import { HostileUploader, type Script } from '../support/hostile-uploader.js';
import { SilentPeer } from '../support/silent-peer.js';

const BLOCK = 256 * 1024;
const data = bytesOf(8 * BLOCK);
const content = { data, metainfo: metainfoOf(data, BLOCK) };
const { bytes } = content.metainfo;
/** The silent peers are behind another address: of the new addresses, an agent dials only a few a second. */
const ELSEWHERE = '127.0.0.2';
/** Maximum wait for the first byte, doubled on a busy machine. */
const FIRST_BYTE_MS = 4000;

let agent: DownloadAgent;
const others: { stop(): void }[] = [];

beforeEach(async () => {
  agent = await DownloadAgent.start();
});

afterEach(async () => {
  await agent.stop();
  for (const other of others.splice(0)) other.stop();
});

async function silent(count: number, speaks: 'tcp' | 'http2' = 'tcp'): Promise<SilentPeer[]> {
  const names = Array.from({ length: count }, (_, number) => `silent ${number}`);
  const peers = await Promise.all(names.map((name) => SilentPeer.start(name, speaks)));
  others.push(...peers);
  return peers;
}

async function uploader(name: string, script: Script = {}): Promise<HostileUploader> {
  const made = await HostileUploader.start(name, content, script, ELSEWHERE);
  others.push(made);
  return made;
}

/** Waits for the first byte, and returns after how many milliseconds it arrived. */
async function firstByte(transfer: Transfer, beganMs: number): Promise<number> {
  const what = 'the first byte';
  await waitFor(() => transfer.record.downloadedBytes > 0, { what, everyMs: 5 }).catch((error: unknown) => {
    throw new Error(`${String(error)}; the transfer says: ${transfer.view().message}`);
  });
  return performance.now() - beganMs;
}

describe('a download whose first peers accept connections and do not answer', () => {
  it.each(['tcp', 'http2'] as const)('starts at once from the one that answers (%s)', async (speaks) => {
    const peers = await silent(4, speaks);
    agent.tracker.add(...peers.map(({ address }) => address), (await uploader('honest')).address);

    const beganMs = performance.now();
    const transfer = await agent.resolve(content.metainfo);
    expect(await firstByte(transfer, beganMs)).toBeLessThan(FIRST_BYTE_MS);
    expect((await agent.finished(transfer)).equals(data)).toBe(true);
  });

  it('starts at once when 50 of 60 are silent, including the 50 that its tracker lists first', async () => {
    agent.tracker.add(...(await silent(50)).map(({ address }) => address));
    for (let number = 0; number < 10; number++)
      agent.tracker.addBeyond((await uploader(`honest ${number}`)).address);

    const beganMs = performance.now();
    const transfer = await agent.resolve(content.metainfo);
    expect(await firstByte(transfer, beganMs)).toBeLessThan(FIRST_BYTE_MS);
    expect((await agent.finished(transfer)).equals(data)).toBe(true);
  });

  it('starts as fast when its metainfo is already known', async () => {
    agent.tracker.add(...(await silent(50)).map(({ address }) => address));
    agent.tracker.addBeyond((await uploader('honest')).address);

    const beganMs = performance.now();
    const transfer = await agent.download(content.metainfo);
    expect(await firstByte(transfer, beganMs)).toBeLessThan(FIRST_BYTE_MS);
    expect((await agent.finished(transfer)).equals(data)).toBe(true);
  });

  it('reports which peers it asks and which do not answer', async () => {
    const peers = await silent(3);
    agent.tracker.add(...peers.map(({ address }) => address));
    const transfer = await agent.resolve(content.metainfo);
    await waitFor(
      () =>
        /^asking 3 peers for the metainfo; 127\.0\.0\.1:\d+ and 2 others do not answer$/.test(
          transfer.view().message,
        ),
      {
        what: 'the reason',
      },
    );
  });
});

describe('a download whose first peers send their metainfo in a trickle', () => {
  it.each([
    ['a byte at a time', 0],
    ['after a large first part', 256 * 1024],
  ])('starts at once from the one that does not (%s)', async (_, first) => {
    const drips: Script = {
      metainfo: (call) => {
        if (first > 0) call.write({ totalLength: 8 << 20, chunk: Buffer.alloc(first) });
        const timer = setInterval(() => call.write({ totalLength: 8 << 20, chunk: Buffer.alloc(1) }), 50);
        call.on('close', () => clearInterval(timer));
        call.on('cancelled', () => clearInterval(timer));
      },
      // It does not say hello either.
      challenge: () => undefined,
    };
    for (const name of ['a', 'b', 'c', 'd']) agent.tracker.add((await uploader(name, drips)).address);
    agent.tracker.add((await uploader('honest', { metainfo: inChunks })).address);

    const beganMs = performance.now();
    const transfer = await agent.resolve(content.metainfo);
    expect(await firstByte(transfer, beganMs)).toBeLessThan(FIRST_BYTE_MS);
  });

  const inChunks: NonNullable<Script['metainfo']> = (call) => {
    for (let at = 0; at < bytes.length; at += 64)
      call.write({ totalLength: bytes.length, chunk: bytes.subarray(at, at + 64) });
    call.end();
  };
});

describe('a download whose peers say hello and send no block', () => {
  it.each(['nothing', 'a block every three seconds'])(
    'completes from the one that sends blocks: %s',
    async (what) => {
      const lazy: (self: () => HostileUploader) => Script = (self) => ({
        request: (request, victim) => {
          if (what === 'nothing') return;
          setTimeout(() => victim.answer(self().block(request)), 3000).unref();
        },
      });
      for (const name of ['a', 'b', 'c', 'd']) {
        const made: HostileUploader[] = [];
        made.push(
          await uploader(
            name,
            lazy(() => made[0]!),
          ),
        );
        agent.tracker.add(made[0]!.address);
      }
      agent.tracker.add((await uploader('honest')).address);
      const beganMs = performance.now();
      const transfer = await agent.resolve(content.metainfo);
      expect(await firstByte(transfer, beganMs)).toBeLessThan(FIRST_BYTE_MS);
      expect((await agent.finished(transfer)).equals(data)).toBe(true);
    },
  );
});
