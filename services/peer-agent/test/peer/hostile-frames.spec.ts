import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { waitFor } from '@enjambre/harness/wait-for';
import type { PeerAddress } from '../../src/app/ports/peers.js';
import { bytesOf, metainfoOf } from '../support/content.js';
import { DownloadAgent } from '../support/download-agent.js';
import { HostileUploader } from '../support/hostile-uploader.js';
import { peerNamed } from '../support/ids.js';

const BLOCK = 256 * 1024;
const data = bytesOf(16 * BLOCK);
const content = { data, metainfo: metainfoOf(data, BLOCK) };
const mallory = peerNamed('mallory');
const SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

let agent: DownloadAgent;
const cleanup: (() => void)[] = [];

beforeEach(async () => {
  agent = await DownloadAgent.start();
});

afterEach(async () => {
  await agent.stop();
  for (const undo of cleanup.splice(0)) undo();
});

/** A peer that sends one frame without end to everyone who connects. Counts the bytes that it got rid of. */
async function floods(
  frame: Buffer,
): Promise<{ address: PeerAddress; sent: () => number; visits: () => number }> {
  let [sent, visits] = [0, 0];
  const chunk = Buffer.concat(Array.from({ length: Math.ceil((1 << 20) / frame.length) }, () => frame));
  const server = createServer((socket: Socket) => {
    visits += 1;
    cleanup.push(() => socket.destroy());
    socket.on('error', () => undefined);
    socket.resume();
    const more = (error?: Error | null): void => {
      if (error) return;
      sent += chunk.length;
      socket.write(chunk, more);
    };
    socket.write(SETTINGS, more);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanup.push(() => server.close());
  const endpoint = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    address: { peerId: mallory, name: 'mallory', endpoint, seeder: true },
    sent: () => sent,
    visits: () => visits,
  };
}

describe('a download beside an uploader that floods its connections', () => {
  it.each<[string, Buffer]>([
    ['pings', Buffer.concat([Buffer.from([0, 0, 8, 6, 0, 0, 0, 0, 0]), Buffer.alloc(8)])],
    [
      'data of a stream that was never opened',
      Buffer.concat([Buffer.from([0, 64, 0, 0, 0, 0, 0, 0, 99]), Buffer.alloc(16_384)]),
    ],
    [
      'frames of an unknown type',
      Buffer.concat([Buffer.from([0, 64, 0, 99, 0, 0, 0, 0, 0]), Buffer.alloc(16_384)]),
    ],
  ])('strikes the flooder, reads little of it, and completes: %s', async (_what, frame) => {
    const flood = await floods(frame);
    agent.tracker.add(flood.address);
    const transfer = await agent.download(content.metainfo);
    await waitFor(() => agent.bans.struck.length > 0, { what: 'the strike', everyMs: 5 });
    const honest = await HostileUploader.start('honest', content);
    cleanup.push(() => honest.stop());
    agent.tracker.add(honest.address);
    expect((await agent.finished(transfer)).equals(data)).toBe(true);
    expect(new Set(agent.bans.struck)).toEqual(new Set([mallory]));
    // The budget of a connection, and what the system's buffers hold.
    expect(flood.sent() / flood.visits()).toBeLessThan(64 << 20);
  });
});
