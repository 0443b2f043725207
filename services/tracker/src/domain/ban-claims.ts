import { EnjambreError } from '@enjambre/core/error';
import type { InfoHash, PeerId } from '@enjambre/core/ids';
import { KeyedBuckets } from '@enjambre/core/keyed-buckets';
import { TokenBucket } from '@enjambre/core/token-bucket';
import type { Session } from './swarm.js';

/** An agent's report of a peer that it has banned. */
export interface BanClaim {
  readonly peerId: PeerId;
  readonly reason: string;
  readonly infohash: InfoHash | undefined;
}

/** Per session: an agent that downloads from many bad peers at once may report them. */
const PER_SESSION = { perSecond: 0.1, burst: 10 };
/** For all sessions of one party together: identities are free, and each claim is a stored event. */
const PER_PARTY = { perSecond: 0.5, burst: 20 };
/** For all sessions. */
const IN_ALL = { perSecond: 10, burst: 100 };

/** Limits the rate of published claims. */
export class BanClaims {
  readonly #all: TokenBucket;
  readonly #parties = new KeyedBuckets(PER_PARTY);
  readonly #sessions = new WeakMap<Session, TokenBucket>();

  constructor(now: number) {
    this.#all = new TokenBucket(IN_ALL, now);
  }

  /** Throws `invalid` INVALID_PEER_ID if the claim is about the session's own peer, `exhausted` TOO_FAST. */
  admit(session: Session, { peerId }: BanClaim, now: number): void {
    if (peerId === session.peer.id) {
      throw new EnjambreError('invalid', 'INVALID_PEER_ID', 'a peer cannot ban itself');
    }
    let own = this.#sessions.get(session);
    if (!own) this.#sessions.set(session, (own = new TokenBucket(PER_SESSION, now)));
    const retryAfterMs = own.take(now) || this.#parties.take(session.party, now) || this.#all.take(now);
    if (retryAfterMs === 0) return;
    const message = 'too many bans were reported: this one is not published';
    throw new EnjambreError('exhausted', 'TOO_FAST', message, { retryAfterMs });
  }
}
