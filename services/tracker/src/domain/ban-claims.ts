import { EnjambreError } from '@enjambre/core/error';
import type { InfoHash, PeerId } from '@enjambre/core/ids';
import { TokenBucket } from '@enjambre/core/token-bucket';
import type { Session } from './swarm.js';

/** What an agent says of a peer that it no longer deals with. */
export interface BanClaim {
  readonly peerId: PeerId;
  readonly reason: string;
  readonly infohash: InfoHash | undefined;
}

/** For one session: an agent that fetches from many bad peers at once may say so. */
const PER_SESSION = { perSecond: 0.1, burst: 10 };
/** For all together: identities cost nothing, and each claim is an event that is kept. */
const IN_ALL = { perSecond: 10, burst: 100 };

/** How many claims are passed on. */
export class BanClaims {
  readonly #all: TokenBucket;
  readonly #sessions = new WeakMap<Session, TokenBucket>();

  constructor(now: number) {
    this.#all = new TokenBucket(IN_ALL, now);
  }

  /** Throws `invalid` INVALID_PEER_ID if it is about the session itself, `exhausted` TOO_FAST. */
  admit(session: Session, { peerId }: BanClaim, now: number): void {
    if (peerId === session.peer.id) {
      throw new EnjambreError('invalid', 'INVALID_PEER_ID', 'a peer cannot ban itself');
    }
    let own = this.#sessions.get(session);
    if (!own) this.#sessions.set(session, (own = new TokenBucket(PER_SESSION, now)));
    const retryAfterMs = own.take(now) || this.#all.take(now);
    if (retryAfterMs === 0) return;
    const message = 'too many bans were told: this one is not passed on';
    throw new EnjambreError('exhausted', 'TOO_FAST', message, { retryAfterMs });
  }
}
