import { runDemo } from './demo.js';

const abort = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    abort.abort(new Error('interrupted'));
  });
}
process.exitCode = await runDemo(process.stdout, abort.signal);
