import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import type { SwarmAgent } from '@enjambre/harness/swarm';

const isRoot = process.getuid?.() === 0;
/** Without root, a user namespace allows mounts. */
const UNSHARE = [...(isRoot ? [] : ['--user', '--map-root-user']), '--mount'];
const ENTER = isRoot ? ['--mount'] : ['--user', '--preserve-credentials', '--mount'];

/** Why private mounts are impossible on this machine; empty if they are possible. */
export function whyNoMounts(): string {
  const args = [...UNSHARE, 'mount', '-t', 'tmpfs', 'none', '/mnt'];
  const { status, stderr, error } = spawnSync('unshare', args, { encoding: 'utf8' });
  return status === 0 ? '' : `this machine lets no process mount (${error?.message ?? stderr.trim()})`;
}

/** Prefix that starts a program with a small private tmpfs at `folder`. */
export function withSmallDisk(folder: string, bytes: number): readonly string[] {
  mkdirSync(folder, { recursive: true });
  const script = 'mount -t tmpfs -o "size=$1" none "$2" && shift 2 && exec "$@"';
  return ['unshare', ...UNSHARE, 'sh', '-c', script, 'sh', String(bytes), folder];
}

/** The agent with paths through which other processes see the folders in its mounts. */
export function asSeenInside(agent: SwarmAgent): SwarmAgent {
  const inside = (path: string): string => `/proc/${agent.process.pid}/root${path}`;
  return { ...agent, dataDir: inside(agent.dataDir), downloadDir: inside(agent.downloadDir) };
}

/** Runs a program that changes the agent's mounts, such as `mount` or `umount`. */
export function changeMounts(agent: SwarmAgent, command: readonly string[]): void {
  const enter = ['--target', String(agent.process.pid), ...ENTER, '--', ...command];
  execFileSync('nsenter', enter, { stdio: 'pipe' });
}

/** Writes to a file until the disk is full. */
export async function fillUp(file: string): Promise<void> {
  for (;;) {
    try {
      await writeFile(file, Buffer.alloc(64 << 10), { flag: 'a' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOSPC') return;
      throw error;
    }
  }
}
