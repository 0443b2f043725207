import { runDemo } from './demo.js';

const abort = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    abort.abort(new Error('interrupted'));
  });
}
// The reader may end first, as `tee` does at Ctrl-C: then shut the demo down in order.
process.stdout.on('error', () => {
  abort.abort(new Error('standard output was closed'));
});
const withNats = process.argv.includes('--nats');
process.exitCode = await runDemo({ out: process.stdout, signal: abort.signal, withNats });
