import { formatAddress, parseAddress } from '@enjambre/common/config/address';
import { EnjambreError } from '@enjambre/core/error';
import { HealthCheckResponse_ServingStatus as ServingStatus } from '@enjambre/proto/gen/grpc/health/v1/health';
import { askHealth } from '../ask-health.js';
import type { Session } from '../context.js';
import { isUnreachable } from '../unreachable.js';

/**
 * `enjambre health`: asks one gRPC server how it is. Ends well only if it is SERVING; throws `precondition`,
 * NOT_SERVING, if it is not, `not-found` for a service it does not have, `unavailable` if nobody answers.
 */
export async function health(session: Session, where: string, service: string): Promise<void> {
  const address = formatAddress(parseAddress(where));
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

function notServing(address: string, service: string, status: string): EnjambreError {
  const what = service === '' ? address : `${service} at ${address}`;
  return new EnjambreError('precondition', 'NOT_SERVING', `${what} says ${status}: its log says why`);
}

function explain(error: EnjambreError, address: string, service: string): EnjambreError {
  if (error.code === 'not-found') {
    const message = `the server at ${address} has no service "${service}": \`buf curl --list-services\` names those it has`;
    return new EnjambreError('not-found', 'UNKNOWN_SERVICE', message, { cause: error });
  }
  if (!isUnreachable(error)) return error;
  const message = `no server answers at ${address}: start it, or look at its log`;
  return new EnjambreError('unavailable', 'SERVER_UNREACHABLE', message, { cause: error });
}
