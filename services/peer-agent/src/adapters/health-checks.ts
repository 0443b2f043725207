import type { HealthCheck } from '@enjambre/common/health/health';
import type { Transfer } from '../app/transfer/transfer.js';
import { DISK_FAULTS } from '../domain/disk-faults.js';

/** A session that the agent maintains. */
interface Session {
  /** Why there is no session; empty if there is one. */
  readonly problem: string;
}

export interface CheckedAgent {
  readonly transfers: { all(): Iterable<Pick<Transfer, 'fault' | 'name'>> };
  readonly room: { readonly problem: string | undefined };
  readonly tracker: Session;
  /** Absent if the agent has no messaging service. */
  readonly relay: Session | undefined;
}

/** No check is essential: an agent serves its content to the peers that it knows, whatever else fails. */
export function agentChecks({ transfers, room, tracker, relay }: CheckedAgent): HealthCheck[] {
  const stopped = (): string | undefined => {
    for (const { fault, name } of transfers.all()) {
      if (DISK_FAULTS.get(fault) === 'machine')
        return `${name} has stopped (${fault}): fix the fault, then resume it`;
    }
    return undefined;
  };
  const checks = {
    disk: () => room.problem ?? stopped(),
    tracker: () => tracker.problem || undefined,
    ...(relay && { messaging: () => relay.problem || undefined }),
  };
  return Object.entries(checks).map(([name, problem]) => ({
    name: `enjambre.agent.${name}`,
    essential: false,
    problem,
  }));
}
