import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ManagedProcess } from '@enjambre/harness/managed-process';
import type { ProcessSwarm } from '@enjambre/harness/swarm';

const PACKAGES = fileURLToPath(new URL('../../../node_modules/@bufbuild/', import.meta.url));

export interface CurlInit {
  /** "HOST:PORT" */
  readonly address: string;
  /** "SERVICE/METHOD"; absent for options about the server itself. */
  readonly method?: string;
  readonly data?: object;
  readonly options?: readonly string[];
}

/** Starts `buf curl`, which gets the schema from the server's reflection only. */
export function bufCurl(
  swarm: ProcessSwarm,
  { address, method = '', data, options = [] }: CurlInit,
): ManagedProcess {
  return swarm.spawn(bufBinary(), [
    ...['curl', '--protocol', 'grpc', '--http2-prior-knowledge', ...options],
    ...(data ? ['--data', JSON.stringify(data)] : []),
    `http://${address}/${method}`,
  ]);
}

/** The binary of this platform; stopping the script in `.bin` would leave it running. */
export function bufBinary(): string {
  const folder = readdirSync(PACKAGES).find((name) => name.startsWith('buf-'));
  if (folder === undefined) throw new Error('@bufbuild/buf is not installed for this platform');
  return join(PACKAGES, folder, 'bin', 'buf');
}
