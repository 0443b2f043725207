import { flagName } from '@enjambre/common/config/options';
import type { Logger } from '@enjambre/common/log/logger';
import { quote } from '@enjambre/core/quote';
import type { RefusedEndpoint, Welcome } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';

/** Logs at which addresses peers reach this agent, and what to do if there is none for other machines. */
export function logWelcome(
  log: Logger,
  tracker: string,
  { name, endpoint, endpoints, unreachable, refusedEndpoints: refused }: Welcome,
): void {
  const isSecond = /^(.+) \([0-9a-f]{8}\)$/.exec(name);
  if (isSecond)
    log.warn(
      { tracker, peer: { name } },
      `another agent is called ${quote(isSecond[1] ?? '')}, so others see this one as ${quote(name)}: choose another ${flagName('name')}`,
    );
  const said = { tracker, endpoint, endpoints, refused_endpoints: refused };
  const where = endpoints.length > 0 ? endpoints.join(', ') : endpoint || 'no address';
  log.info(said, `connected to tracker ${tracker}; peers reach this agent at ${where}`);
  if (refused.length > 0) {
    const text = `tracker ${tracker} does not offer peers elsewhere ${refused.map(refusalText).join(', ')}`;
    if (unreachable) log.warn(said, `${text}: ${REMEDY}`);
    else log.info(said, text);
  }
  if (!unreachable) return;
  const only = endpoint === '' ? '' : `: it is reachable at ${endpoint} only`;
  log.warn(
    said,
    `no other machine can download from this agent${only}; listen on another address with ${flagName('listen')}, or set ${flagName('advertise')} HOST:PORT`,
  );
}

const REMEDY = `advertise another address, or allow it at the tracker with ${flagName('allowEndpoints')}`;

function refusalText({ endpoint, reason }: RefusedEndpoint): string {
  const why =
    reason === 'NOT_VERIFIED'
      ? 'the tracker sees this agent at another address'
      : 'no other machine can dial it';
  return `${endpoint} (${why})`;
}
