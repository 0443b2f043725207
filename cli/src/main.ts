import { workingFolder } from '@enjambre/common/config/working-folder';
import { endStandardOutput } from '@enjambre/common/log/standard-output';
import { messageOf } from '@enjambre/core/error';
import type { TlsPaths } from '@enjambre/common/trust/tls-store';
import type { Dialer } from '@enjambre/rpc/dialer';
import type { Context } from './context.js';
import { EXIT } from './exit.js';
import { interruptible } from './interrupt.js';
import { run } from './program.js';
import { standardError, standardOut } from './standard-streams.js';

const opened = new Map<string | undefined, Promise<Dialer>>();

function dialerFor(tls?: TlsPaths): Promise<Dialer> {
  let dialer = opened.get(tls?.cert);
  if (!dialer) opened.set(tls?.cert, (dialer = openDialer(tls)));
  return dialer;
}

async function openDialer(tls: TlsPaths | undefined): Promise<Dialer> {
  const [{ Dialer }, { PLAINTEXT }] = await Promise.all([
    import('@enjambre/rpc/dialer'),
    import('@enjambre/rpc/credentials'),
  ]);
  if (tls === undefined) return new Dialer({ credentials: PLAINTEXT });
  const [{ TlsStore }, { tlsCredentials }] = await Promise.all([
    import('@enjambre/common/trust/tls-store'),
    import('@enjambre/rpc/tls-credentials'),
  ]);
  return new Dialer({ credentials: tlsCredentials(await TlsStore.open(tls)) });
}

// Getters: a terminal that is gone or a folder that was removed fails only the commands that use it.
const context: Context = {
  get stdout() {
    return standardOut();
  },
  get stderr() {
    return standardError();
  },
  get stdin() {
    return process.stdin;
  },
  get canAsk() {
    return process.stdin.isTTY;
  },
  environment: process.env,
  dialer: dialerFor,
  get cwd() {
    return workingFolder();
  },
  now: Date.now,
  interruptible,
};

process.on('uncaughtException', (error) => {
  standardError().write(`enjambre: unexpected: ${messageOf(error)}\n`);
  process.exit(EXIT.failed);
});

async function main(): Promise<void> {
  // Stays if the event loop ends before the command does.
  process.exitCode = EXIT.failed;
  process.exitCode = await run(process.argv.slice(2), context);
  await endStandardOutput();
}

// Without await: the bundle consists of CommonJS.
void main();
