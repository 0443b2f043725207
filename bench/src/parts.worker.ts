import { createServer, type AddressInfo } from 'node:net';
import { parentPort, workerData } from 'node:worker_threads';
import { BLOCK_SIZE } from '@enjambre/core/layout';

/** Sends the given number of bytes to each client, in blocks of the protocol. */
const { bytes } = workerData as { bytes: number };
const block = Buffer.alloc(BLOCK_SIZE, 'enjambre');

const server = createServer((socket) => {
  let left = bytes;
  const more = (): void => {
    if (left === 0) return;
    const part = block.subarray(0, Math.min(left, block.length));
    left -= part.length;
    socket.write(part, more);
  };
  more();
});
server.listen(0, '127.0.0.1', () => {
  parentPort?.postMessage((server.address() as AddressInfo).port);
});
