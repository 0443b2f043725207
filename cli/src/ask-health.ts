import { callUnary } from '@enjambre/rpc/client';
import {
  HealthClient,
  type HealthCheckResponse_ServingStatus,
} from '@enjambre/proto/gen/grpc/health/v1/health';
import type { Session } from './context.js';

/** Less than the timeout that a caller, such as a container's health check, has for the whole command. */
const TIMEOUT_MS = 3000;

/**
 * Health status of a gRPC server. Throws `not-found` for a service that it does not have, `unavailable` or `timeout`
 * if no server answers.
 *
 * @param service empty for the whole server
 */
export async function askHealth(
  { context, signal }: Pick<Session, 'context' | 'signal'>,
  address: string,
  service: string,
): Promise<HealthCheckResponse_ServingStatus> {
  const client = (await context.dialer()).client(HealthClient, address, 'member');
  try {
    const options = { timeoutMs: TIMEOUT_MS, signal };
    return (await callUnary(client.check.bind(client), { service }, options)).status;
  } finally {
    client.close();
  }
}
