import { runDemo } from './demo.js';

const abort = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    abort.abort(new Error('interrupted'));
  });
}
const withNats = process.argv.includes('--nats');
process.exitCode = await runDemo({ out: process.stdout, signal: abort.signal, withNats });
