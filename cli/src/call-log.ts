import { formatDuration } from '@enjambre/core/format-duration';
import type { Context } from './context.js';
import type { Output } from './output.js';

/** The context of a command with `--verbose`: each call, its result and its time are reported on standard error. */
export function withCallLog(context: Context, output: Output): Context {
  const dialer = async (): ReturnType<Context['dialer']> => {
    const [plain, { status }] = await Promise.all([context.dialer(), import('@grpc/grpc-js')]);
    return plain.observedBy((path) => {
      const startedAt = performance.now();
      return {
        headers: {},
        ended: (code) => {
          const took = performance.now() - startedAt;
          output.debug(
            `call ${path.slice(1)}: ${status[code] ?? String(code)} after ${formatDuration(Math.max(1, took))}`,
          );
        },
      };
    });
  };
  // Not a copy: properties of the context may throw where they are not needed.
  return Object.create(context, { dialer: { value: dialer } }) as Context;
}
