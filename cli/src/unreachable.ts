import { EnjambreError } from '@enjambre/core/error';

/** Reasons that grpc-js gives by itself, or this command: nothing that a server of ours said. */
const SILENCE: ReadonlySet<string> = new Set([
  'UNAVAILABLE',
  'DEADLINE_EXCEEDED',
  'CANCELLED',
  'AGENT_UNREACHABLE',
  'TRACKER_UNREACHABLE',
]);

/** True if the server did not answer, as against an answer that something behind it is away. */
export function isUnreachable(error: unknown): error is EnjambreError {
  return (
    error instanceof EnjambreError &&
    (error.code === 'unavailable' || error.code === 'timeout') &&
    SILENCE.has(error.reason)
  );
}

/** True if what answered is a gRPC server, but does not know the method: not the one that is meant. */
function isOfAnother({ reason }: EnjambreError): boolean {
  return reason === 'UNIMPLEMENTED';
}

/** Says of an agent's errors what the person at the keyboard can do. */
export function explainAgentError(error: EnjambreError, address: string): EnjambreError {
  if (error.reason === 'BAD_TOKEN') {
    const message = `the agent at ${address} wants its token: pass --token or ENJAMBRE_TOKEN (it is kept in control.token in the agent's data folder)`;
    return new EnjambreError('unauthenticated', 'BAD_TOKEN', message, { cause: error });
  }
  if (error.code === 'internal') {
    const message = `the agent failed (${error.message}): its log says more`;
    return new EnjambreError('internal', error.reason, message, { cause: error });
  }
  if (isOfAnother(error)) {
    const message = `${address} is not the control address of an agent (or of one too old for this command): name that with --agent`;
    return new EnjambreError('unavailable', 'AGENT_UNREACHABLE', message, { cause: error });
  }
  if (!isUnreachable(error)) return error;
  return new EnjambreError('unavailable', 'AGENT_UNREACHABLE', agentSilence(error, address), {
    cause: error,
  });
}

/** An agent that ended a call because it stops. */
export function agentStopped(address: string): EnjambreError {
  const message = `the agent at ${address} stopped: start it again with \`enjambre agent\``;
  return new EnjambreError('unavailable', 'AGENT_UNREACHABLE', message);
}

function agentSilence(error: EnjambreError, address: string): string {
  if (error.code === 'timeout') return `the agent at ${address} does not answer in time: look at its log`;
  if (error.message.includes('EACCES')) {
    return `${address} belongs to somebody else: ask your own agent with --agent, or become its owner`;
  }
  return `no agent answers at ${address}: start one with \`enjambre agent\` (or \`enjambre dev\`)`;
}

/** The same for a tracker that is asked directly. */
export function explainTrackerError(error: EnjambreError, address: string): EnjambreError {
  if (isOfAnother(error)) {
    const message = `${address} is not the address of a tracker (or of one too old for this command): name that with --tracker`;
    return new EnjambreError('unavailable', 'TRACKER_UNREACHABLE', message, { cause: error });
  }
  if (!isUnreachable(error)) return error;
  const message =
    error.code === 'timeout'
      ? `the tracker at ${address} does not answer in time: look at its log`
      : `no tracker answers at ${address}: start one with \`enjambre tracker\``;
  return new EnjambreError('unavailable', 'TRACKER_UNREACHABLE', message, { cause: error });
}
