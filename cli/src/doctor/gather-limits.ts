import { readFile } from 'node:fs/promises';
import type { Environment } from '@enjambre/common/config/options';
import type { LimitFacts } from './judge-limits.js';

export interface Process {
  /** Process id of the agent, if it runs on this machine. */
  readonly pid?: number | undefined;
  readonly environment: Environment;
  readonly hasSharedDir: boolean;
}

/** The Linux limits of the agent; of this process if no agent runs, or if it belongs to another user. */
export async function gatherLimits({
  pid,
  environment,
  hasSharedDir,
}: Process): Promise<Omit<LimitFacts, 'maxUpload' | 'maxDownload'>> {
  const ofAgent = pid === undefined ? undefined : openFilesOf(await text(`/proc/${String(pid)}/limits`));
  const its = pid === undefined ? undefined : await variablesOf(pid);
  return {
    openFiles: ofAgent ?? openFilesOf(await text('/proc/self/limits')),
    ofAgent: ofAgent !== undefined,
    threads: numberIn((its ?? environment)['UV_THREADPOOL_SIZE']),
    watches: hasSharedDir ? numberIn(await text('/proc/sys/fs/inotify/max_user_watches')) : undefined,
    memoryBytes: await memoryLimit(pid ?? process.pid),
  };
}

/** The hard limit in the text of /proc/PID/limits: Node raises the soft limit to it. */
export function openFilesOf(limits: string | undefined): number | undefined {
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(limits ?? '')?.[1];
  return hard === 'unlimited' ? Number.MAX_SAFE_INTEGER : numberIn(hard);
}

async function variablesOf(pid: number): Promise<Environment | undefined> {
  const said = await text(`/proc/${String(pid)}/environ`);
  if (said === undefined) return undefined;
  return Object.fromEntries(
    said.split('\0').map((pair) => {
      const at = pair.indexOf('=');
      return [pair.slice(0, at), pair.slice(at + 1)];
    }),
  );
}

/** The lowest limit of its control group (version 2) and all parents. */
async function memoryLimit(pid: number): Promise<number | undefined> {
  const group = /^0::(.*)$/m.exec((await text(`/proc/${String(pid)}/cgroup`)) ?? '')?.[1];
  if (group === undefined) return undefined;
  const parts = group.split('/').filter((part) => part !== '' && part !== '..');
  const limits: number[] = [];
  for (let depth = parts.length; depth >= 0; depth--) {
    const folder = ['/sys/fs/cgroup', ...parts.slice(0, depth)].join('/');
    const limit = numberIn(await text(`${folder}/memory.max`));
    if (limit !== undefined) limits.push(limit);
  }
  return limits.length > 0 ? Math.min(...limits) : undefined;
}

function numberIn(said: string | undefined): number | undefined {
  const trimmed = said?.trim() ?? '';
  return /^\d+$/.test(trimmed) ? Number(trimmed) : undefined;
}

async function text(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined);
}
