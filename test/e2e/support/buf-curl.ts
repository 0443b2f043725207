import { fileURLToPath } from 'node:url';
import type { ManagedProcess } from '@enjambre/common/testing/managed-process';
import type { ProcessSwarm } from '@enjambre/common/testing/swarm';

const BUF = fileURLToPath(new URL('../../../node_modules/.bin/buf', import.meta.url));

export interface CurlInit {
  /** "HOST:PORT" */
  readonly address: string;
  /** "SERVICE/METHOD"; absent for options that ask about the server itself. */
  readonly method?: string;
  readonly data?: object;
  readonly options?: readonly string[];
}

/** Starts `buf curl`, which knows the schema from nothing but the server's reflection. */
export function bufCurl(swarm: ProcessSwarm, { address, method = '', data, options = [] }: CurlInit): ManagedProcess {
  return swarm.spawn(BUF, [
    ...['curl', '--protocol', 'grpc', '--http2-prior-knowledge', ...options],
    ...(data ? ['--data', JSON.stringify(data)] : []),
    `http://${address}/${method}`,
  ]);
}
