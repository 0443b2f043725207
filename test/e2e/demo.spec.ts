import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { ManagedProcess } from '@enjambre/harness/managed-process';
import { waitFor } from '@enjambre/harness/wait-for';

const DEMO = fileURLToPath(new URL('../../demo/dist/main.js', import.meta.url));

/** Six processes and half a gigabyte, and a busy machine. */
jest.setTimeout(180_000);

let folder: string;
let demo: ManagedProcess | undefined;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'enjambre-demo-'));
});

afterEach(async () => {
  // SIGTERM, not SIGKILL: killed, it would leave its processes behind.
  await demo?.stop();
  demo = undefined;
  await rm(folder, { recursive: true, force: true });
});

it('the demo ends soon after Ctrl-C during a download, and leaves nothing behind', async () => {
  const env = { TMPDIR: folder, NODE_OPTIONS: undefined };
  const played = new ManagedProcess(process.execPath, [DEMO], { env });
  demo = played;
  await waitFor(() => played.stdout.some((line) => line.includes('download it')), {
    what: 'the downloads',
    timeoutMs: 120_000,
    seen: () => played.stdout,
  });
  played.signal('SIGINT');
  expect(await played.wait()).toBe(130);
  expect(played.stdout.join('\n')).toMatch(/interrupted/);
  expect(await readdir(folder)).toEqual([]);
});

it('the demo without a folder for its files suggests the next step', async () => {
  const env = { TMPDIR: join(folder, 'nowhere'), NODE_OPTIONS: undefined };
  const homeless = new ManagedProcess(process.execPath, [DEMO], { env });
  expect(await homeless.wait()).toBe(1);
  expect(homeless.stderr).toEqual([]);
  expect(homeless.stdout.join('\n')).toMatch(
    /cannot create a temporary folder \(no such file or directory\): set TMPDIR/,
  );
});
