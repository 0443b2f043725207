import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { BLOCK_SIZE } from '@enjambre/core/layout';
import { LEAF_SIZE } from '@enjambre/core/leaf-size';
import type { Cleanup } from './cleanup.js';
import { makeRoot, WARM, warmMemory } from './files.js';

/** CPU seconds for the work that every program must do for each byte. */
export interface PartsSample {
  /** From the page cache. */
  readonly read: number;
  /** Both ends of one TCP connection over loopback. */
  readonly sendAndReceive: number;
  readonly hash: number;
  /** Into the page cache, or the memory-backed folder. */
  readonly write: number;
}

export interface PartsInit {
  readonly after: Cleanup;
  readonly bytes: number;
  readonly rounds: number;
  readonly parent: string;
}

/** Measures each part alone. */
export async function benchParts({ after, bytes, rounds, parent }: PartsInit): Promise<PartsSample[]> {
  const root = await makeRoot(parent, bytes * 3.5, after);
  const source = join(root, 'source');
  const copy = join(root, 'copy');
  const block = Buffer.alloc(BLOCK_SIZE, 'enjambre');
  writeFile(source, block, bytes);
  const samples: PartsSample[] = [];
  for (let round = 0; round < rounds; round++) {
    await warmMemory(root, bytes * WARM);
    samples.push({
      write: await cpuOf(() => {
        writeFile(copy, block, bytes);
      }),
      read: await cpuOf(() => {
        readFile(source, block);
      }),
      hash: await cpuOf(() => {
        hashLeaves(block, bytes);
      }),
      sendAndReceive: await cpuOfTransfer(bytes),
    });
    await rm(copy);
  }
  return samples;
}

async function cpuOf(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1e6;
}

function writeFile(path: string, block: Buffer, bytes: number): void {
  const fd = openSync(path, 'w');
  try {
    for (let written = 0; written < bytes; written += BLOCK_SIZE) writeSync(fd, block);
  } finally {
    closeSync(fd);
  }
}

function readFile(path: string, into: Buffer): void {
  const fd = openSync(path, 'r');
  try {
    while (readSync(fd, into) > 0);
  } finally {
    closeSync(fd);
  }
}

function hashLeaves(block: Buffer, bytes: number): void {
  for (let hashed = 0; hashed < bytes; hashed += BLOCK_SIZE)
    for (let at = 0; at < BLOCK_SIZE; at += LEAF_SIZE)
      createHash('sha256')
        .update(block.subarray(at, at + LEAF_SIZE))
        .digest();
}

/** One thread sends; this one receives, always into the same memory. */
async function cpuOfTransfer(bytes: number): Promise<number> {
  const sender = new Worker(new URL('./parts.worker.js', import.meta.url), { workerData: { bytes } });
  const [port] = (await once(sender, 'message')) as [number];
  const buffer = Buffer.allocUnsafeSlow(BLOCK_SIZE);
  try {
    return await cpuOf(
      () =>
        new Promise<void>((resolve, reject) => {
          let left = bytes;
          const callback = (length: number): boolean => {
            left -= length;
            if (left === 0) resolve();
            return true;
          };
          connect({ port, host: '127.0.0.1', onread: { buffer, callback } }).on('error', reject);
        }),
    );
  } finally {
    await sender.terminate();
  }
}
