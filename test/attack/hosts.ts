import { execFileSync, spawn } from 'node:child_process';
import { readlink } from 'node:fs/promises';
import { waitFor } from '@enjambre/harness/wait-for';

/** Two network namespaces with a link between them. */
export interface Hosts {
  /** Address of the honest host, which this process runs on. */
  readonly honest: string;
  /** Address of the attacker's host. */
  readonly attacker: string;
  /** Program and arguments that run a command given after them on the attacker's host. */
  readonly through: readonly string[];
}

/** An address that no host should be made to dial; it belongs to the honest host here. */
export const LINK_LOCAL = '169.254.169.254';

const run = (...[program = '', ...args]: string[]): void =>
  void execFileSync(program, args, { stdio: 'pipe' });

/** Makes a host for the attacker. This process must have network and process namespaces of its own. */
export async function layLink(): Promise<Hosts> {
  const hosts = { honest: '10.66.0.1', attacker: '10.66.0.2' };
  // It replaces itself by sleep, and ends with the process namespace of this process.
  const pid = spawn('unshare', ['--net', 'sleep', 'infinity'], { stdio: 'ignore' }).pid ?? 0;
  const own = await readlink('/proc/self/ns/net');
  await waitFor(async () => (await readlink(`/proc/${pid}/ns/net`)) !== own, { what: "the attacker's host" });
  const through = ['nsenter', '-t', String(pid), '-n'];
  run('ip', 'link', 'set', 'lo', 'up');
  run('ip', 'address', 'add', `${LINK_LOCAL}/32`, 'dev', 'lo');
  run('ip', 'link', 'add', 'near', 'type', 'veth', 'peer', 'name', 'far', 'netns', String(pid));
  run('ip', 'address', 'add', `${hosts.honest}/24`, 'dev', 'near');
  run('ip', 'link', 'set', 'near', 'up');
  run(...through, 'ip', 'link', 'set', 'lo', 'up');
  run(...through, 'ip', 'address', 'add', `${hosts.attacker}/24`, 'dev', 'far');
  run(...through, 'ip', 'link', 'set', 'far', 'up');
  return { ...hosts, through };
}
