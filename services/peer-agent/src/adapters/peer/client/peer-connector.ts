import { AsyncResource } from 'node:async_hooks';
import { firstOf, type Attempt } from '@enjambre/common/async/first-of';
import { formatAddress } from '@enjambre/common/config/address';
import type { Dialer } from '@enjambre/rpc/dialer';
import { EnjambreError } from '@enjambre/core/error';
import type { InfoHash, PeerId } from '@enjambre/core/ids';
import { type Metainfo, UnusableTorrent } from '@enjambre/core/metainfo';
import {
  type FetchRequest,
  type FetchResponse,
  type SyncRequest,
  type SyncResponse,
} from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import type {
  BlockSource,
  MetainfoProgress,
  PeerAddress,
  PeerConnector,
  SourceNews,
} from '../../../app/ports/peers.js';
import { BlockMemory } from '../../disk/block-memory.js';
import { DialGate, type DialTarget } from './dial-gate.js';
import { DialTurns } from './dial-turns.js';
import { notDialed, type EndpointGuard, type Refusal } from './endpoint-guard.js';
import { EndpointRace } from './endpoint-race.js';
import { HostNames } from './host-names.js';
import { LateStream } from './late-stream.js';
import { GrpcPeerLink, type HelloSigner, type LinkTarget, type SelfDescription } from './peer-link.js';
import type { MessageStream, StreamListener } from '@enjambre/rpc/message-stream';
import { MetainfoFetch } from './metainfo-fetch.js';
import { Uploaders, type Uploader } from './uploaders.js';

export interface PeerConnectorComponents {
  readonly self: SelfDescription;
  readonly signer: HelloSigner;
  readonly dialer: Dialer;
  /** Checks the addresses of peers. */
  readonly guard: EndpointGuard;
  /** Memory for received blocks. @default its own */
  readonly memory?: BlockMemory;
}

/** An address at which to dial a peer now. */
interface Place {
  /** HOST:PORT, with an IP address as host. */
  readonly at: string;
  /** The endpoint that the peer announces. */
  readonly endpoint: string;
}

interface RaceListener {
  readonly sync: StreamListener<SyncResponse>;
  readonly won: (uploader: Uploader) => void;
  /** An address is dialed. */
  readonly dialed: () => void;
}

/** Opens links, and fetches metainfo. */
export class GrpcPeerConnector implements PeerConnector {
  readonly #uploaders: Uploaders;
  readonly #turns = new DialTurns();
  readonly #gate = new DialGate();
  readonly #names = new HostNames();
  readonly #parts: PeerConnectorComponents;
  readonly #metainfo = new MetainfoFetch();

  constructor(parts: PeerConnectorComponents) {
    this.#parts = parts;
    const memory = parts.memory ?? new BlockMemory();
    this.#uploaders = new Uploaders(parts.dialer, (bytes) => memory.take(bytes));
  }

  /** Closes all connections once they are not used. */
  close(): Promise<void> {
    this.#uploaders.close();
    return Promise.resolve();
  }

  open(peer: PeerAddress, what: Omit<LinkTarget, 'peer'>, tell: (news: SourceNews) => void): BlockSource {
    let uploader: Uploader | undefined;
    const endpoints = this.#nextOf(peer);
    const won = (winner: Uploader): void => void (uploader = winner);
    const openSync = (sync: StreamListener<SyncResponse>, dialed: () => void): MessageStream<SyncRequest> => {
      const race = (): MessageStream<SyncRequest> => this.#race(peer, endpoints, { sync, won, dialed });
      return endpoints.every((text) => this.#names.known(text))
        ? race()
        : new LateStream(this.#names.learn(endpoints), race);
    };
    const parts = {
      openSync,
      // Opened when the uploader answers, in the async context of the link.
      openFetch: AsyncResource.bind((fetch: StreamListener<FetchResponse>): MessageStream<FetchRequest> => {
        if (!uploader) throw new Error('a Fetch stream is opened before its Sync stream');
        return uploader.connections.openFetch(fetch);
      }),
      self: this.#parts.self,
      signer: this.#parts.signer,
      tell: (news: SourceNews): void => {
        if (uploader && news.type === 'source-left' && DOUBTFUL.has(news.error.reason))
          this.#uploaders.retire(uploader);
        tell(news);
      },
      ended: (): void => {
        if (uploader) this.#uploaders.release(uploader);
      },
    };
    return new GrpcPeerLink(parts, { ...what, peer });
  }

  #race(
    peer: PeerAddress,
    endpoints: readonly string[],
    { sync, won, dialed: isDialed }: RaceListener,
  ): MessageStream<SyncRequest> {
    const { peerId } = peer;
    const places = this.#placesOf(endpoints);
    if (places.length === 0) return refused(sync, this.#nowhere(peer));
    const endpointOf = new Map(places.map(({ at, endpoint }) => [at, endpoint]));
    const dialed = new Map<string, Uploader>();
    const race = {
      peerId,
      endpoints: places.map(({ at }) => at),
      enter: (at: string, dial: () => void) => this.#gate.enter({ peerId, endpoint: at }, dial),
      open: (at: string, stream: StreamListener<SyncResponse>) => {
        this.#turns.dialed(peerId, endpointOf.get(at) ?? at);
        isDialed();
        const uploader = this.#uploaders.acquire({ peerId, endpoint: at });
        dialed.set(at, uploader);
        return uploader.connections.openSync(stream);
      },
      lost: (at: string): void => {
        const uploader = dialed.get(at);
        if (uploader) this.#uploaders.release(uploader);
      },
      won: (at: string): void => {
        const uploader = dialed.get(at);
        if (!uploader) return;
        uploader.answered = true;
        won(uploader);
      },
      reached: (at: string) => {
        this.#reached(peerId, { at, endpoint: endpointOf.get(at) ?? at });
      },
    };
    return new EndpointRace(race, sync);
  }

  #reached(peerId: PeerId, { at, endpoint }: Place): void {
    this.#turns.reached(peerId, endpoint);
    this.#gate.reached({ peerId, endpoint: at });
  }

  /** Endpoints at which to dial a peer now, without those of which no address may be dialed. */
  #nextOf({ peerId, endpoint, endpoints = [endpoint] }: PeerAddress): string[] {
    const usable = endpoints.filter((text) => {
      const addresses = this.#names.known(text);
      return !addresses || addresses.some((address) => !this.#parts.guard.refusal(address));
    });
    return this.#turns.next(peerId, usable);
  }

  /** The addresses of these endpoints that may be dialed. */
  #placesOf(endpoints: readonly string[]): Place[] {
    const places = endpoints.flatMap((endpoint) => {
      const addresses = this.#names.known(endpoint) ?? [];
      const allowed = addresses.filter((address) => !this.#parts.guard.refusal(address));
      return allowed.map((address) => ({ at: formatAddress(address), endpoint }));
    });
    return [...new Map(places.map((place) => [place.at, place])).values()];
  }

  #nowhere({ name, endpoint, endpoints = [endpoint] }: PeerAddress): EnjambreError {
    const refusals = endpoints.flatMap((text) =>
      (this.#names.known(text) ?? []).flatMap((address) => {
        const refusal = this.#parts.guard.refusal(address);
        return refusal ? [{ text, refusal }] : [];
      }),
    );
    const [first] = refusals.filter(({ refusal }) => refusal.reason === 'ADDRESS_REFUSED');
    const { text, refusal } = first ?? { text: endpoint, refusal: UNREACHABLE };
    return notDialed(name, text, refusal);
  }

  async fetchMetainfo(
    peer: PeerAddress,
    infohash: InfoHash,
    signal: AbortSignal,
    progress: MetainfoProgress = {},
  ): Promise<Metainfo> {
    const { peerId } = peer;
    const endpoints = this.#nextOf(peer);
    await this.#names.learn(endpoints);
    const places = this.#placesOf(endpoints);
    if (places.length === 0) throw this.#nowhere(peer);
    let falsehood: EnjambreError | undefined;
    const ask = async (place: Place, { signal, answers }: Attempt): Promise<Metainfo> => {
      await this.#turn({ peerId, endpoint: place.at }, signal);
      this.#turns.dialed(peerId, place.endpoint);
      progress.dialed?.();
      const uploader = this.#uploaders.acquire({ peerId, endpoint: place.at });
      try {
        return await this.#metainfo.from(uploader.connections.calls, infohash, signal, (bytes, total) => {
          answers();
          uploader.answered = true;
          this.#reached(peerId, place);
          progress.received?.(bytes, total);
        });
      } catch (error) {
        const known = EnjambreError.from(error);
        if (known.reason === 'BAD_METAINFO' || known instanceof UnusableTorrent) falsehood ??= known;
        if (known.reason === 'UNKNOWN_INFOHASH') this.#reached(peerId, place);
        // The next request may get through on a new connection.
        else if (!signal.aborted) this.#uploaders.retire(uploader);
        throw known;
      } finally {
        this.#uploaders.release(uploader);
      }
    };
    // A false answer at one address is more significant than silence at another.
    return firstOf(places, ask, signal).catch((error: unknown) => {
      throw signal.aborted ? error : (falsehood ?? error);
    });
  }

  /** Resolves when the address may be dialed. */
  #turn(target: DialTarget, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = this.#gate.enter(target, resolve);
      const giveUp = (): void => {
        leave();
        reject(signal.reason as Error);
      };
      if (signal.aborted) giveUp();
      else signal.addEventListener('abort', giveUp, { once: true });
    });
  }
}

/** Reasons for which a link ends that the connection may have caused: the next link must not use it. */
const DOUBTFUL: ReadonlySet<string> = new Set(['BAD_PIECE', 'PROTOCOL_VIOLATION']);

/** A stream that never opened: its listener receives the error in the next turn. */
function refused(listener: StreamListener<SyncResponse>, error: EnjambreError): MessageStream<SyncRequest> {
  const nextTurn = setImmediate(() => {
    listener.ended(error);
  });
  const stop = (): void => clearImmediate(nextTurn);
  return { write: () => undefined, end: () => undefined, cancel: stop };
}

/** No address is known, or all lead to this agent itself. */
const UNREACHABLE: Refusal = { reason: 'NO_ENDPOINT', what: 'which is not reachable from here' };
