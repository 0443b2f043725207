import { sleep } from '@enjambre/common/async/sleep';
import type { NatsLink } from '@enjambre/common/nats/nats-link';
import { NodePlacement, type NatsReplicas } from '@enjambre/common/nats/replicas';
import { EnjambreError, messageOf } from '@enjambre/core/error';
import { NatsError, StorageType, type KV } from 'nats';
import { withUse, type CountedToken } from '../../domain/token-uses.js';
import { decodeUses, encodeUses, usedUp } from './token-record.js';

/** The KV bucket with the uses of join tokens; keys are the ids of tokens. */
export const TOKENS_BUCKET = 'ENJAMBRE_JOIN_TOKENS';

const TIMEOUT_MS = 3000;
/** NATS reserves it. */
const MAX_BYTES = 4 << 20;
/** A token for 10,000 peers. */
const MAX_VALUE_BYTES = 1 << 20;
/** JetStream's error code for a value that somebody else has changed meanwhile. */
const WRONG_REVISION = 10_071;
/** Trackers that use one token at the same time. */
const MAX_ATTEMPTS = 50;
const RETRY_MS = 20;
const PRUNE_EVERY_MS = 24 * 3_600_000;

/** Counts the uses of join tokens for all trackers on the same NATS. */
export class TokenBucket {
  readonly #link: NatsLink;
  readonly #placement: NodePlacement;
  /** Expired tokens are removed then, in milliseconds since 1970. */
  #pruneAt = 0;

  constructor(parts: { readonly link: NatsLink }, init: { readonly replicas: NatsReplicas }) {
    this.#link = parts.link;
    this.#placement = new NodePlacement(init.replicas);
  }

  /**
   * Records one more use before it counts. Throws `denied` JOIN_TOKEN_REFUSED if the token is used up, `unavailable`
   * CA_UNAVAILABLE if the use cannot be recorded.
   */
  async use(token: CountedToken, peer: string, now: number): Promise<void> {
    try {
      const kv = await this.#open();
      await this.#record(kv, token, { peer, now });
      if (now < this.#pruneAt) return;
      this.#pruneAt = now + PRUNE_EVERY_MS;
      await prune(kv, now);
    } catch (error) {
      if (error instanceof EnjambreError && error.code === 'denied') throw error;
      const message = `the tracker cannot record the uses of join tokens on NATS (${messageOf(error)}): try again`;
      throw new EnjambreError('unavailable', 'CA_UNAVAILABLE', message, { cause: error });
    }
  }

  async #record(
    kv: KV,
    token: CountedToken,
    { peer, now }: { readonly peer: string; readonly now: number },
  ): Promise<void> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const entry = await kv.get(token.id);
      const isThere = entry?.operation === 'PUT';
      const known = new Map(isThere ? [[token.id, decodeUses(entry.string())]] : []);
      const use = withUse(known, token, peer, now)?.get(token.id);
      if (!use) throw usedUp(token);
      if (use === known.get(token.id)) return;
      const value = new TextEncoder().encode(encodeUses(use));
      if (await isWritten(isThere ? kv.update(token.id, value, entry.revision) : kv.create(token.id, value)))
        return;
      await sleep(RETRY_MS * Math.random(), new AbortController().signal);
    }
    throw new Error('too many trackers use the token at the same time');
  }

  async #open(): Promise<KV> {
    const { connection } = this.#link;
    const js = connection.jetstream({ timeout: TIMEOUT_MS });
    const make = (nodes: number): Promise<KV> =>
      js.views.kv(TOKENS_BUCKET, {
        description: 'Enjambre: peers that have used join tokens, by the ids of the tokens',
        history: 1,
        max_bytes: MAX_BYTES,
        maxValueSize: MAX_VALUE_BYTES,
        timeout: TIMEOUT_MS,
        storage: StorageType.File,
        replicas: nodes,
        // Reads from the leader: an outdated count would be repeated in vain.
        allow_direct: false,
      });
    return this.#placement.place({ connection, stream: `KV_${TOKENS_BUCKET}`, make });
  }
}

/** Removes tokens that have expired. What fails is tried again another day. */
async function prune(kv: KV, now: number): Promise<void> {
  try {
    const ids: string[] = [];
    for await (const id of await kv.keys()) ids.push(id);
    for (const id of ids) {
      const entry = await kv.get(id);
      if (entry?.operation === 'PUT' && decodeUses(entry.string()).expiresAt <= now) await kv.purge(id);
    }
  } catch {
    // The use is recorded all the same.
  }
}

/** False if another tracker was faster. */
async function isWritten(written: Promise<number>): Promise<boolean> {
  try {
    await written;
    return true;
  } catch (error) {
    if (error instanceof NatsError && error.api_error?.err_code === WRONG_REVISION) return false;
    throw error;
  }
}
