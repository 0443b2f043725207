import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const DASHBOARD = fileURLToPath(new URL('../../deploy/monitoring/grafana/enjambre.json', import.meta.url));

/** The alert rules in deploy/. */
export const RULES = fileURLToPath(new URL('../../deploy/monitoring/prometheus/rules.yaml', import.meta.url));

interface Panel {
  readonly title: string;
  readonly targets?: readonly { readonly expr: string }[];
}

/** Values for Grafana's variables. */
const VARIABLES: Readonly<Record<string, string>> = { $__rate_interval: '30s', $instance: '.*' };

/** Every query of the dashboard, as Grafana sends it, with the title of its panel. */
export async function dashboardQueries(): Promise<readonly { title: string; query: string }[]> {
  const { panels } = JSON.parse(await readFile(DASHBOARD, 'utf8')) as { panels: readonly Panel[] };
  return panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }) => ({ title, query: withVariables(expr) })),
  );
}

function withVariables(expression: string): string {
  return Object.entries(VARIABLES).reduce((text, [name, value]) => text.replaceAll(name, value), expression);
}

/** Names of the metrics in an expression. */
export function metricsIn(expression: string): readonly string[] {
  return expression.match(/\b(?:enjambre|grpc_(?:server|client)|process|nodejs)_\w+|\bup\b/g) ?? [];
}
