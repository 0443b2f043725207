import { DEFAULT_PORTS, formatAddress, parseAddress } from '@enjambre/common/config/address';
import { EnjambreError } from '@enjambre/core/error';
import { HealthCheckResponse_ServingStatus as ServingStatus } from '@enjambre/proto/gen/grpc/health/v1/health';
import { askHealth } from '../ask-health.js';
import type { Session } from '../context.js';
import { isUnreachable } from '../unreachable.js';

/**
 * `enjambre health`: checks the health of one gRPC server and prints SERVING. Throws `precondition`, NOT_SERVING,
 * for any other status, `not-found` for a service that it does not have, `unavailable` if no server answers.
 */
export async function health(session: Session, where: string, service: string): Promise<void> {
  const address = formatAddress(parseAddress(where, portOf(service)));
  try {
    const status = await askHealth(session, address, service);
    const name = ServingStatus[status];
    session.output.object({ type: 'health', address, service, status: name });
    if (status !== ServingStatus.SERVING) throw notServing(address, service, name);
    session.output.line(name);
  } catch (error) {
    throw explain(EnjambreError.from(error), address, service);
  }
}

/** The port of the server that has `service`, such as enjambre.peer.v1.PeerService; a tracker's if none is named. */
function portOf(service: string): number {
  const [, area = ''] = service.split('.');
  return PORTS[area] ?? DEFAULT_PORTS.tracker;
}

const PORTS: Readonly<Record<string, number>> = {
  messaging: DEFAULT_PORTS.messaging,
  peer: DEFAULT_PORTS.agent,
  agent: DEFAULT_PORTS.control,
};

function notServing(address: string, service: string, status: string): EnjambreError {
  const what = service === '' ? address : `${service} at ${address}`;
  return new EnjambreError('precondition', 'NOT_SERVING', `${what} is ${status}: see its log`);
}

function explain(error: EnjambreError, address: string, service: string): EnjambreError {
  if (error.code === 'not-found') {
    const message = `the server at ${address} has no service "${service}": \`buf curl --list-services\` lists its services`;
    return new EnjambreError('not-found', 'UNKNOWN_SERVICE', message, { cause: error });
  }
  if (!isUnreachable(error)) return error;
  const message = `no server answers at ${address}: start it, or see its log`;
  return new EnjambreError('unavailable', 'SERVER_UNREACHABLE', message, { cause: error });
}
