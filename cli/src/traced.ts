import type { Context } from './context.js';

/** Does what a command is to do, as one trace through all that it asks for, if the environment says where traces go. */
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
