import { standardOutput, standardStreamsAreDetached } from '@enjambre/common/log/standard-output';
import { systemErrorText } from '@enjambre/common/system-error';
import { EXIT } from './exit.js';
import type { TextStream } from './output.js';

/** Standard output. A service writes through the log, so that a slow reader cannot block it. */
export function standardOut(): TextStream {
  return standardStreamsAreDetached() ? ofLog(1) : waitingOut();
}

export function standardError(): TextStream {
  return standardStreamsAreDetached() ? ofLog(2) : waitingError();
}

function ofLog(fd: 1 | 2): TextStream {
  return {
    write: (text, written) => {
      standardOutput(fd).write(typeof text === 'string' ? text : Buffer.from(text).toString());
      written?.();
    },
  };
}

const waitingOut = once(() => {
  // `enjambre ls | head -1` ends quietly when the reader closes the pipe.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(EXIT.done);
    waitingError().write(`enjambre: the output could not be written (${systemErrorText(error)})\n`);
    process.exit(EXIT.failed);
  });
  return process.stdout;
});

const waitingError = once(() => {
  // Losing notes is no failure: the result is on standard output.
  process.stderr.on('error', () => undefined);
  return process.stderr;
});

function once<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}
