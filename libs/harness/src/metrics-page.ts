import type { ManagedProcess } from './managed-process.js';

/** "HOST:PORT" of the metrics of a service that runs with `--metrics` and JSON logs. */
export function metricsOf(service: ManagedProcess): Promise<string> {
  return service.waitForLog(
    ({ metrics }) => (typeof metrics === 'string' ? metrics : undefined),
    'its metrics',
  );
}

/** The values of a service's metrics page, by name and labels: `name{label="value"}`. */
export async function metricsPage(address: string): Promise<ReadonlyMap<string, number>> {
  const response = await fetch(`http://${address}/metrics`);
  if (!response.ok) throw new Error(`${address} answers ${response.status}`);
  const lines = (await response.text()).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}
