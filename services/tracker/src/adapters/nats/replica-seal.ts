import type { X509Certificate } from 'node:crypto';
import { createHash, createPrivateKey, sign, verify, type KeyObject } from 'node:crypto';
import { headers as newHeaders, type MsgHdrs } from 'nats';
import { certificatesOf } from '@enjambre/common/trust/ca-chain';
import type { ProgramTls } from '@enjambre/common/trust/program-tls';
import { identityOf, problemOfTime, rootOf } from '@enjambre/common/trust/tls-material';
import { EnjambreError } from '@enjambre/core/error';
import type { PeerId } from '@enjambre/core/ids';
import { TokenBucket } from '@enjambre/core/token-bucket';

/** What a received message consists of. */
interface Sealed {
  readonly subject: string;
  readonly data: Uint8Array;
  /** Where the answer goes; covered as well. */
  readonly reply?: string | undefined;
  readonly headers?: MsgHdrs | undefined;
}

export interface ReplicaSealInit {
  /** False while a network moves to TLS: messages without a signature count as well. */
  readonly required: boolean;
  /** Milliseconds since 1970. @default Date.now */
  readonly clock?: () => number;
}

const CERTIFICATE = 'Enjambre-Certificate';
const SIGNATURE = 'Enjambre-Signature';
const STAMP = 'Enjambre-Stamp';
/** A message is refused if the clocks of the two trackers differ by more, or if it is older. */
const MAX_AGE_MS = 5 * 60_000;
/** Certificates of more trackers than a network has. */
const MAX_KNOWN = 64;
const MAX_CHAIN_CHARS = 16_384;
/** Sources of messages, each with its highest stamp. */
const MAX_SOURCES = 1024;
/** Signatures to verify: 64 trackers send 20 messages a second each. One costs about 0.15 ms. */
const SIGNATURES = { perSecond: 2000, burst: 4000 };
/** Chains to verify that are not known: anybody can make one. */
const CHAINS = { perSecond: 20, burst: 100 };

interface KnownSender {
  readonly key: KeyObject;
  /** The certificate of the tracker, then those of the CAs up to a root. */
  readonly chain: readonly [X509Certificate, ...X509Certificate[]];
  readonly peerId: PeerId | undefined;
}

/**
 * Signs the messages between trackers on NATS, where others may publish too, and verifies those of the others: only a
 * certificate of this network with the role tracker counts. A message counts once: stamps grow.
 */
export class ReplicaSeal {
  /** By the hash of the chain. */
  readonly #known = new Map<string, KnownSender>();
  readonly #stamps = new Map<string, number>();
  readonly #signatures = new TokenBucket(SIGNATURES, monotonic());
  readonly #chains = new TokenBucket(CHAINS, monotonic());
  #own: { readonly key: KeyObject; readonly chain: string } | undefined;
  #stamp = 0;

  constructor(
    private readonly tls: Pick<ProgramTls, 'current' | 'onChange' | 'revocations'>,
    private readonly init: ReplicaSealInit,
  ) {
    tls.onChange(() => {
      this.#own = undefined;
      this.#known.clear();
    });
  }

  /** The headers with which a message is published. */
  headersFor(message: Omit<Sealed, 'headers'>): MsgHdrs {
    const { key, chain } = this.#ownKey();
    this.#stamp = Math.max(this.#stamp + 1, this.#now() * 1000);
    const stamp = String(this.#stamp);
    const made = newHeaders();
    made.set(CERTIFICATE, chain);
    made.set(STAMP, stamp);
    made.set(SIGNATURE, sign(digestOf(key), textOf(message, stamp), key).toString('base64'));
    return made;
  }

  /**
   * Throws `denied` UNSIGNED or BAD_SIGNATURE for a message that no tracker of this network has signed, or that was
   * received before, and TOO_MANY_MESSAGES if there are more than can be verified.
   *
   * @param source distinguishes the senders whose stamps grow, such as an id in the message
   */
  check(message: Sealed, source: string): void {
    const stamp = message.headers?.get(STAMP) ?? '';
    const signature = message.headers?.get(SIGNATURE) ?? '';
    if (signature === '') {
      if (this.init.required) throw refused('UNSIGNED', 'it is not signed');
      return;
    }
    if (!/^\d{1,17}$/.test(stamp) || Math.abs(Number(stamp) / 1000 - this.#now()) > MAX_AGE_MS)
      throw refused('BAD_SIGNATURE', 'it is older than five minutes, or the clock of its tracker is wrong');
    const chain = message.headers?.get(CERTIFICATE) ?? '';
    const sender = this.#senderOf(chain);
    const { key } = sender;
    takeFrom(this.#signatures);
    if (!verify(digestOf(key), textOf(message, stamp), key, Buffer.from(signature, 'base64')))
      throw refused('BAD_SIGNATURE', 'its signature is wrong');
    this.#remember(chain, sender);
    this.#checkValid(sender);
    this.#checkOnce(source, Number(stamp));
  }

  #ownKey(): { readonly key: KeyObject; readonly chain: string } {
    const { key, cert } = this.tls.current;
    this.#own ??= { key: createPrivateKey(key), chain: Buffer.from(cert).toString('base64') };
    return this.#own;
  }

  #senderOf(chain: string): KnownSender {
    if (chain.length > MAX_CHAIN_CHARS) throw refused('BAD_SIGNATURE', 'its certificate is too long');
    const known = this.#known.get(hashOf(chain));
    if (known) return known;
    takeFrom(this.#chains);
    return this.#trusted(Buffer.from(chain, 'base64').toString());
  }

  /** Only who has the key of a chain gets a place among those that are known. */
  #remember(chain: string, sender: KnownSender): void {
    const hash = hashOf(chain);
    this.#known.delete(hash);
    this.#known.set(hash, sender);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_KNOWN && oldest !== undefined) this.#known.delete(oldest);
  }

  #trusted(pem: string): KnownSender {
    const { authorities, identity: own } = this.tls.current;
    let identity;
    let found;
    try {
      const [leaf, ...intermediates] = certificatesOf(pem);
      const root = leaf && rootOf(leaf, intermediates, authorities);
      identity = leaf && root && identityOf(leaf);
      found = leaf && root && ([leaf, ...intermediates, root] as const);
    } catch {
      // Worded below.
    }
    if (!found || !identity)
      throw refused('BAD_SIGNATURE', 'no CA of this network has signed its certificate');
    if (identity.network !== own.network || identity.role !== 'tracker')
      throw refused('BAD_SIGNATURE', `its certificate is for the role ${identity.role}, not tracker`);
    return { key: found[0].publicKey, chain: [...found], peerId: identity.peerId };
  }

  #checkValid({ chain, peerId }: KnownSender): void {
    for (const each of chain) {
      const problem = problemOfTime(each, this.#now());
      if (problem !== undefined)
        throw refused('BAD_SIGNATURE', `its certificate, or that of a CA, ${problem}`);
    }
    if (this.tls.revocations.revokedAt(chain[0], peerId))
      throw refused('BAD_SIGNATURE', 'its certificate was revoked');
  }

  #checkOnce(source: string, stamp: number): void {
    const last = this.#stamps.get(source) ?? 0;
    if (stamp <= last) throw refused('BAD_SIGNATURE', 'it was received before');
    this.#stamps.delete(source);
    this.#stamps.set(source, stamp);
    const [oldest] = this.#stamps.keys();
    if (this.#stamps.size > MAX_SOURCES && oldest !== undefined) this.#stamps.delete(oldest);
  }

  #now(): number {
    return (this.init.clock ?? Date.now)();
  }
}

function textOf({ subject, data, reply = '' }: Omit<Sealed, 'headers'>, stamp: string): Buffer {
  const head = `enjambre replica message v1\0${subject}\0${reply}\0${stamp}\0`;
  return Buffer.concat([Buffer.from(head), data]);
}

function hashOf(chain: string): string {
  return createHash('sha256').update(chain).digest('base64');
}

/** Ed25519 has its own. */
function digestOf({ asymmetricKeyType }: KeyObject): 'sha256' | null {
  return asymmetricKeyType === 'ed25519' ? null : 'sha256';
}

/** Throws `denied`, TOO_MANY_MESSAGES. */
function takeFrom(bucket: TokenBucket): void {
  if (bucket.take(monotonic()) > 0) throw refused('TOO_MANY_MESSAGES', 'there are too many to verify');
}

function monotonic(): number {
  return Math.floor(performance.now());
}

function refused(reason: 'UNSIGNED' | 'BAD_SIGNATURE' | 'TOO_MANY_MESSAGES', why: string): EnjambreError {
  return new EnjambreError('denied', reason, `a message between trackers is refused: ${why}`);
}
