import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { parentPort } from 'node:worker_threads';
import { HASH_SIZE, subtreeRoot } from '@enjambre/core/merkle';
import type {
  DiskJob,
  DiskReply,
  DiskRequest,
  DiskResult,
  FileIdentity,
  HashJob,
  WriteJob,
} from './hash-jobs.js';

/** Reused for every piece that this thread hashes: fresh pages are expensive. */
let scratch = Buffer.alloc(0);

parentPort?.on('message', ({ id, job }: DiskRequest) => {
  const result = run(job);
  const memory = job.type === 'write' ? job.buffer : undefined;
  const reply: DiskReply = memory ? { id, result, memory } : { id, result };
  parentPort?.postMessage(reply, memory ? [memory] : []);
});

function run(job: DiskJob): DiskResult {
  try {
    return { ok: true, hashes: job.type === 'write' ? write(job) : hash(job) };
  } catch (error) {
    const { code = 'UNKNOWN', message } = error as NodeJS.ErrnoException;
    return { ok: false, code, message };
  }
}

function write({ fd, file, fileLength, position, buffer, byteOffset, length, leaves }: WriteJob): Uint8Array {
  const found = fstatSync(fd, { bigint: true });
  if (file) checkSame(found, file);
  if (found.size < BigInt(fileLength)) throw shortFile();
  const data = Buffer.from(buffer, byteOffset, length);
  for (let done = 0; done < length;) {
    done += writeSync(fd, data, done, length - done, position + done);
  }
  return subtreeRoot(data, leaves);
}

function hash({ path, file, position, length, pieceLength, leaves }: HashJob): Uint8Array {
  const pieces = Math.ceil(length / pieceLength);
  const roots = Buffer.alloc(pieces * HASH_SIZE);
  const fd = openSync(path, 'r');
  try {
    if (file) checkSame(fstatSync(fd, { bigint: true }), file);
    for (let piece = 0; piece < pieces; piece++) {
      const offset = piece * pieceLength;
      const data = readExactly(fd, position + offset, Math.min(pieceLength, length - offset));
      subtreeRoot(data, leaves).copy(roots, piece * HASH_SIZE);
    }
  } finally {
    closeSync(fd);
  }
  return roots;
}

/** The caller checks the path; only the descriptor shows which file was actually opened. */
function checkSame(found: FileIdentity, { dev, ino }: FileIdentity): void {
  if (found.dev === dev && found.ino === ino) return;
  throw Object.assign(new Error('the path leads to another file'), { code: 'OTHER_FILE' });
}

function readExactly(fd: number, position: number, length: number): Buffer {
  if (scratch.length < length) scratch = Buffer.allocUnsafeSlow(length);
  let done = 0;
  while (done < length) {
    const count = readSync(fd, scratch, done, length - done, position + done);
    if (count === 0) throw shortFile();
    done += count;
  }
  return scratch.subarray(0, length);
}

function shortFile(): Error {
  return Object.assign(new Error('the file is shorter than before'), { code: 'SHORT_FILE' });
}
