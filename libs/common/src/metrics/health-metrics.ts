import type { Health } from '../health/health.js';
import type { Metrics } from './metrics.js';

/** The health of /readyz as numbers. */
export function measureHealth(metrics: Metrics, health: Health): void {
  metrics.gauge(
    {
      name: 'enjambre_ready',
      help: '1 while the service is ready, else 0.',
      labels: ['service'],
    },
    () => [[{ service: health.service }, Number(health.report().ready)]],
  );
  metrics.gauge(
    {
      name: 'enjambre_health_check',
      help: '1 while the health check passes, else 0; named as in grpc.health.v1.',
      labels: ['check'],
    },
    () => Object.entries(health.report().checks).map(([check, well]) => [{ check }, Number(well)]),
  );
}
