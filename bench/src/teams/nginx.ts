import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createConnection, type Socket } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { ManagedProcess } from '@enjambre/harness/managed-process';
import { waitFor } from '@enjambre/harness/wait-for';
import { peakMiB } from '../usage.js';
import { freePort } from './free-port.js';
import { nowMs, spawnAt, type Team, type TeamInit } from './team.js';

const LOOK_EVERY_MS = 20;

/** nginx serves the file, curl copies it and sha256sum reads it: copy and verify, nothing else. */
export async function startNginx({ after, root, source, seeder }: TeamInit): Promise<Team> {
  const port = await freePort();
  const config = join(root, 'nginx.conf');
  await writeFile(config, configOf({ root, served: dirname(source), port }));
  const nginx = spawnAt(seeder, ['/usr/sbin/nginx', '-p', root, '-c', config], { after });
  await waitFor(() => isOpen(port), { what: 'nginx to listen' });
  const folder = join(root, 'downloader');
  const copy = join(folder, basename(source));
  await mkdir(folder);
  const script = `set -e; curl -sf -o '${copy}' 'http://127.0.0.1:${port}/${basename(source)}'; sha256sum '${copy}'; times`;
  const spent = { cpuSeconds: 0, peakMiB: 0 };
  return {
    seederPid: nginx.pid,
    downloaderPids: [],
    otherPids: [],
    shortLived: spent,
    get: async () => {
      const shell = spawnAt(seeder, ['bash', '-c', script], { after });
      const peak = peakOfChildren(shell);
      const code = await shell.wait();
      const atMs = nowMs();
      if (code !== 0) throw new Error(`curl or sha256sum failed: ${shell.stderr.join('\n')}`);
      spent.cpuSeconds = childSeconds(shell.stdout);
      spent.peakMiB = await peak;
      return atMs;
    },
    fileOf: () => copy,
    forget: () => rm(copy),
    kill: () => Promise.reject(new Error('curl is not killed')),
  };
}

function configOf({ root, served, port }: { root: string; served: string; port: number }): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'];
  return `daemon off; master_process off; pid ${root}/nginx.pid; error_log ${root}/nginx.log;
events { worker_connections 64; }
http {
  access_log off; sendfile on; tcp_nopush on;
  ${temporary.map((what) => `${what}_temp_path ${root}/${what};`).join(' ')}
  server { listen 127.0.0.1:${port}; location / { root ${served}; } }
}
`;
}

/** Adds up what bash's `times` prints of its children: "0m0.123s 0m0.456s". */
function childSeconds(lines: readonly string[]): number {
  const times = [...(lines.at(-1) ?? '').matchAll(/(\d+)m([\d.]+)s/g)];
  return times.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0);
}

/** Samples the children of a shell until it ends: their usage cannot be read afterwards. */
async function peakOfChildren(shell: ManagedProcess): Promise<number> {
  let peak = 0;
  while (shell.isRunning) {
    const path = `/proc/${shell.pid}/task/${shell.pid}/children`;
    const pids = (await readFile(path, 'utf8').catch(() => '')).split(' ').filter((pid) => pid !== '');
    for (const pid of pids) {
      try {
        peak = Math.max(peak, peakMiB(Number(pid)));
      } catch {
        // It ended in the meantime.
      }
    }
    await delay(LOOK_EVERY_MS);
  }
  return peak;
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket: Socket = createConnection(port, '127.0.0.1', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => {
      resolve(false);
    });
  });
}
