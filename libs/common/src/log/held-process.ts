import { accessSync, constants } from 'node:fs';

/** Available since Node 22.15 and 23.11; older type definitions lack it. */
type Execve = (file: string, args: readonly string[], environment: Readonly<Record<string, string>>) => never;

/**
 * Ends this process with `code` although one of its threads hangs in a system call. Node's own exits wait for
 * that thread; replacing the program does not. Where Node does not support that, the process is killed, and
 * its exit code is 137.
 */
export function endHeldProcess(code: number): void {
  const { execve } = process as { readonly execve?: Execve };
  const node = process.execPath;
  if (execve && isExecutable(node)) execve.call(process, node, [node, '-e', `process.exit(${code})`], {});
  process.kill(process.pid, 'SIGKILL');
}

/** A failed `execve` aborts the process, and its program may have been replaced since it started. */
function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
