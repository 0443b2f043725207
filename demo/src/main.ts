import { runDemo } from './demo.js';

const abort = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    abort.abort(new Error('interrupted'));
  });
}
// Whoever reads may end before us, as `tee` does at Ctrl-C: that ends the demo, and in order.
process.stdout.on('error', () => {
  abort.abort(new Error('nobody reads any more'));
});
const withNats = process.argv.includes('--nats');
process.exitCode = await runDemo({ out: process.stdout, signal: abort.signal, withNats });
