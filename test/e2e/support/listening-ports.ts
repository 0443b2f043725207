import { readdir, readFile, readlink } from 'node:fs/promises';
import { waitFor } from '@enjambre/harness/wait-for';

/** State of a listening socket in /proc/net/tcp. */
const LISTEN = '0A';

/** The TCP ports that a process listens on, as soon as there are `count`: for processes without a readable log. */
export function listeningPorts(pid: number, count: number): Promise<readonly number[]> {
  let ports: readonly number[] = [];
  const look = async (): Promise<readonly number[] | undefined> => {
    ports = await portsOf(pid);
    return ports.length >= count ? ports : undefined;
  };
  return waitFor(look, { what: `process ${pid} to listen`, retryErrors: true, seen: () => ports });
}

async function portsOf(pid: number): Promise<number[]> {
  const own = new Set<string>();
  for (const fd of await readdir(`/proc/${pid}/fd`)) {
    // A socket that was closed in between does not listen.
    const target = await readlink(`/proc/${pid}/fd/${fd}`).catch(() => '');
    const [, inode] = /^socket:\[(\d+)\]$/.exec(target) ?? [];
    if (inode !== undefined) own.add(inode);
  }
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((table) => readFile(`/proc/${pid}/net/${table}`, 'utf8')),
  );
  return tables.flatMap((table) =>
    table
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.trim().split(/\s+/))
      .filter(([, , , state, , , , , , inode]) => state === LISTEN && own.has(inode ?? ''))
      .map(([, local = '']) => parseInt(local.split(':')[1] ?? '', 16)),
  );
}
