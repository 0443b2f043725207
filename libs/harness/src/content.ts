import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, readdir } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

const CHUNK_BYTES = 8 << 20;

/**
 * Writes a file of random bytes, and creates its parent folders. Returns its SHA-256 in hexadecimal digits.
 */
export async function writeRandomFile(path: string, bytes: number, signal?: AbortSignal): Promise<string> {
  signal?.throwIfAborted();
  await mkdir(dirname(path), { recursive: true });
  const hash = createHash('sha256');
  const file = await open(path, 'w');
  try {
    for (let left = bytes; left > 0; left -= CHUNK_BYTES) {
      signal?.throwIfAborted();
      const chunk = randomBytes(Math.min(CHUNK_BYTES, left));
      hash.update(chunk);
      await file.writeFile(chunk);
    }
  } finally {
    await file.close();
  }
  return hash.digest('hex');
}

/** SHA-256 of a file, in hexadecimal digits. */
export async function hashFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { highWaterMark: 1 << 20, signal }))
    hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** SHA-256 of each file below a folder, by relative path: what `diff -r` would compare. */
export async function hashTree(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name));
  const hashes = await Promise.all(
    files.map(async (file) => [relative(folder, file), await hashFile(file)] as const),
  );
  return Object.fromEntries(hashes);
}
