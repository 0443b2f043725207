import type { Context } from './context.js';

/** Runs a command as one trace that includes all calls it makes, if the environment configures a trace endpoint. */
export async function traced(
  command: string,
  environment: Context['environment'],
  work: () => Promise<void>,
): Promise<void> {
  const [{ startTracing }, { inSpan }] = await Promise.all([
    import('@enjambre/common/tracing/start-tracing'),
    import('@enjambre/common/tracing/tracing'),
  ]);
  const endTracing = await startTracing('enjambre-cli', environment);
  try {
    await inSpan(`enjambre ${command}`, { attributes: { 'enjambre.command': command } }, work);
  } finally {
    await endTracing();
  }
}
