import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import type { Scenario } from '../scenario.js';

/** Bytes into the connection at which a bit is flipped: within a block. */
const AT = 500_000;

/** The seeder's bytes pass a bad link, which flips one bit of the first connection that gets this far. */
export const flippedBit: Scenario = {
  name: 'flipped-bit',
  about: 'a link that flips one bit of a block',
  victim: 'downloader',
  attack: 'idle',
  count: 1,
  isRefused: false,
  prepare: async (stage) => {
    const target = stage.targets.seeder;
    let isFlipped = false;
    const sockets = new Set<Socket>();
    const server = createServer((near) => {
      const at = target.lastIndexOf(':');
      const far = connect({ host: target.slice(0, at), port: Number(target.slice(at + 1)) });
      let passed = 0;
      far.on('data', (chunk) => {
        if (!isFlipped && passed <= AT && passed + chunk.length > AT) {
          const index = AT - passed;
          chunk[index] = (chunk[index] ?? 0) ^ 1;
          isFlipped = true;
        }
        passed += chunk.length;
        if (!near.write(chunk)) {
          far.pause();
          near.once('drain', () => far.resume());
        }
      });
      near.pipe(far);
      far.on('end', () => near.end());
      // A socket that is paused for good would keep the server from closing.
      for (const [one, other] of [
        [near, far],
        [far, near],
      ] as const) {
        sockets.add(one);
        one.on('error', () => undefined);
        one.on('close', () => {
          sockets.delete(one);
          other.destroy();
        });
      }
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    stage.swarm.add({
      stop: () =>
        new Promise<void>((resolve) => {
          server.close(() => resolve());
          for (const socket of sockets) socket.destroy();
        }),
    });
    const link = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    await stage.seeder.agent.process.stop();
    const { address } = await stage.swarm.startAgent('seeder', ['--advertise', link]);
    return { seeder: address };
  },
  check: async (stage) => {
    const banned = await stage.downloader.banned();
    return [{ what: 'nobody is banned', holds: banned.length === 0, seen: `${banned.length} banned` }];
  },
};
