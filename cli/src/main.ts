import { systemErrorText } from '@enjambre/common/system-error';
import { messageOf } from '@enjambre/core/error';
import type { Context } from './context.js';
import { EXIT } from './exit.js';
import { interruptible } from './interrupt.js';
import { run } from './program.js';

const context: Context = {
  stdout: process.stdout,
  stderr: process.stderr,
  stdin: process.stdin,
  canAsk: process.stdin.isTTY,
  environment: process.env,
  cwd: process.cwd(),
  now: Date.now,
  interruptible,
};

// `enjambre ls | head -1` ends quietly when nobody reads on.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.done);
  process.stderr.write(`enjambre: the output could not be written (${systemErrorText(error)})\n`);
  process.exit(EXIT.failed);
});
process.on('uncaughtException', (error) => {
  process.stderr.write(`enjambre: unexpected: ${messageOf(error)}\n`);
  process.exit(EXIT.failed);
});

process.exitCode = await run(process.argv.slice(2), context);
