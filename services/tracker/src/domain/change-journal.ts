import type { InfoHash, PeerId } from '@enjambre/core/ids';
import {
  toMemberState,
  toSessionState,
  type Changes,
  type LocalChanges,
  type SessionState,
} from './replica-state.js';
import type { Member, Session } from './swarm.js';

/**
 * Changes not yet sent to other trackers. It records only what has changed; the state is read when the
 * changes are taken, so its size is bounded by the state.
 */
export class ChangeJournal implements LocalChanges {
  readonly #changed = new Map<Session, Set<InfoHash>>();
  readonly #progressed = new Set<Member>();
  /** Epochs of ended sessions. */
  readonly #ended = new Map<PeerId, number>();

  /** @param onChange called when there are changes that other trackers should receive soon */
  constructor(private readonly onChange: () => void) {}

  changed(session: Session, infohash?: InfoHash): void {
    if (!session.open) return;
    let infohashes = this.#changed.get(session);
    if (!infohashes) this.#changed.set(session, (infohashes = new Set()));
    if (infohash !== undefined) infohashes.add(infohash);
    this.onChange();
  }

  progressed(member: Member): void {
    this.#progressed.add(member);
  }

  ended(session: Session): void {
    this.#changed.delete(session);
    this.#ended.set(session.peer.id, session.epoch);
    this.onChange();
  }

  /** All changes, and with `numbers` the progress of downloads; they count as sent from now on. */
  take({ numbers }: { readonly numbers: boolean }): Changes {
    const ended = [...this.#ended].map(([peerId, epoch]) => ({ peerId, epoch }));
    const sessions = [...this.#changed].map(([session, infohashes]) => toSessionState(session, infohashes));
    this.#ended.clear();
    this.#changed.clear();
    if (numbers) sessions.push(...this.#takeNumbers());
    return { ended, sessions };
  }

  *#takeNumbers(): Generator<SessionState> {
    for (const member of this.#progressed) {
      const { session, swarm } = member;
      // It may have ended, or left and rejoined, in the meantime.
      if (!session.open || session.memberships.get(swarm.infohash) !== member) continue;
      const { introduced: peer, connectedAt, epoch, party } = session;
      yield { peer, connectedAt, epoch, party, members: [toMemberState(member)], left: [] };
    }
    this.#progressed.clear();
  }
}
