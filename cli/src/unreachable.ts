import { EnjambreError } from '@enjambre/core/error';

/** Reasons set by grpc-js or by this command, never by a server of ours. */
const SILENCE: ReadonlySet<string> = new Set([
  'UNAVAILABLE',
  'DEADLINE_EXCEEDED',
  'CANCELLED',
  'AGENT_UNREACHABLE',
  'TRACKER_UNREACHABLE',
]);

/** True if the server did not answer; false if it answered that something behind it is unavailable. */
export function isUnreachable(error: unknown): error is EnjambreError {
  return (
    error instanceof EnjambreError &&
    (error.code === 'unavailable' || error.code === 'timeout') &&
    SILENCE.has(error.reason)
  );
}

/** True if a gRPC server answered that does not have the method: it is the wrong server. */
function isOfAnother({ reason }: EnjambreError): boolean {
  return reason === 'UNIMPLEMENTED';
}

/** Words an agent's error for the user, with the next step. */
export function explainAgentError(error: EnjambreError, address: string): EnjambreError {
  if (error.reason === 'BAD_TOKEN') {
    const message = `the agent at ${address} requires its token: pass --token-file, --token or ENJAMBRE_TOKEN (it is in control.token in the agent's data folder)`;
    return new EnjambreError('unauthenticated', 'BAD_TOKEN', message, { cause: error });
  }
  if (error.code === 'internal') {
    const message = `the agent failed (${error.message}): see its log`;
    return new EnjambreError('internal', error.reason, message, { cause: error });
  }
  if (isOfAnother(error)) {
    const message = `${address} is not the control address of an agent, or the agent is too old for this command: check --agent`;
    return new EnjambreError('unavailable', 'AGENT_UNREACHABLE', message, { cause: error });
  }
  if (error.reason === 'TLS_FAILED') return withoutTls(`agent at ${address}`, error);
  if (!isUnreachable(error)) return error;
  return new EnjambreError('unavailable', 'AGENT_UNREACHABLE', agentSilence(error, address), {
    cause: error,
  });
}

/** The error for an agent that ended a call because it is stopping. */
export function agentStopped(address: string): EnjambreError {
  const message = `the agent at ${address} stopped: start it again with \`enjambre agent\``;
  return new EnjambreError('unavailable', 'AGENT_UNREACHABLE', message);
}

function agentSilence(error: EnjambreError, address: string): string {
  if (error.code === 'timeout') return `the agent at ${address} does not answer in time: see its log`;
  if (error.message.includes('EACCES')) {
    return `${address} belongs to another user: name your own agent with --agent, or switch to that user`;
  }
  return `no agent answers at ${address}: start one with \`enjambre agent\` (or \`enjambre dev\`)`;
}

function withoutTls(whom: string, error: EnjambreError): EnjambreError {
  const message = `cannot connect to the ${whom}: ${error.message}; name the certificate of its network with --tls, or connect without TLS with --insecure`;
  return new EnjambreError('unavailable', 'TLS_FAILED', message, { cause: error });
}

/** The same for a tracker that is called directly. */
export function explainTrackerError(error: EnjambreError, address: string): EnjambreError {
  if (isOfAnother(error)) {
    const message = `${address} is not the address of a tracker, or the tracker is too old for this command: check --tracker`;
    return new EnjambreError('unavailable', 'TRACKER_UNREACHABLE', message, { cause: error });
  }
  if (error.reason === 'TLS_FAILED') return withoutTls(`tracker at ${address}`, error);
  if (!isUnreachable(error)) return error;
  const message =
    error.code === 'timeout'
      ? `the tracker at ${address} does not answer in time: see its log`
      : `no tracker answers at ${address}: start one with \`enjambre tracker\``;
  return new EnjambreError('unavailable', 'TRACKER_UNREACHABLE', message, { cause: error });
}
