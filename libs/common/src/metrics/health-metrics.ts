import type { Health } from '../health/health.js';
import type { Metrics } from './metrics.js';

/** What /readyz says, as numbers. */
export function measureHealth(metrics: Metrics, health: Health): void {
  metrics.gauge(
    {
      name: 'enjambre_ready',
      help: '1 while the service can do its work, else 0.',
      labels: ['service'],
    },
    () => [[{ service: health.service }, Number(health.report().ready)]],
  );
  metrics.gauge(
    {
      name: 'enjambre_health_check',
      help: '1 while all is well with a part of the service, else 0; the names are those of grpc.health.v1.',
      labels: ['check'],
    },
    () => Object.entries(health.report().checks).map(([check, well]) => [{ check }, Number(well)]),
  );
}
