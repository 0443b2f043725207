import { AsyncResource } from 'node:async_hooks';
import { firstOf, type Attempt } from '@enjambre/common/async/first-of';
import { parseTcpAddress, type TcpAddress } from '@enjambre/common/config/address';
import type { Dialer } from '@enjambre/rpc/dialer';
import { EnjambreError } from '@enjambre/core/error';
import type { InfoHash } from '@enjambre/core/ids';
import type { Metainfo } from '@enjambre/core/metainfo';
import {
  type FetchRequest,
  type FetchResponse,
  type SyncRequest,
  type SyncResponse,
} from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import type { BlockSource, PeerAddress, PeerConnector, SourceNews } from '../../../app/ports/peers.js';
import { BlockMemory } from '../../disk/block-memory.js';
import { DialTurns } from './dial-turns.js';
import { EndpointRace } from './endpoint-race.js';
import { GrpcPeerLink, type HelloSigner, type LinkTarget, type SelfDescription } from './peer-link.js';
import type { MessageStream, StreamListener } from '@enjambre/rpc/message-stream';
import { MetainfoFetch, type MetainfoProgress } from './metainfo-fetch.js';
import { UploaderConnections } from './uploader-connections.js';

export interface PeerConnectorComponents {
  readonly self: SelfDescription;
  readonly signer: HelloSigner;
  readonly dialer: Dialer;
  /** Memory for received blocks. @default its own */
  readonly memory?: BlockMemory;
}

export interface PeerConnectorInit {
  /** True if the address leads to this agent itself. @default never */
  readonly leadsHere?: (address: TcpAddress) => boolean;
}

interface Uploader {
  readonly connections: UploaderConnections;
  users: number;
}

/** Opens links; links to the same uploader share connections, which are closed when unused. */
export class GrpcPeerConnector implements PeerConnector {
  readonly #uploaders = new Map<string, Uploader>();
  readonly #turns = new DialTurns();
  readonly #leadsHere: (address: TcpAddress) => boolean;
  readonly #parts: PeerConnectorComponents;
  readonly #memory: BlockMemory;
  readonly #metainfo: MetainfoFetch;

  constructor(parts: PeerConnectorComponents, { leadsHere = () => false }: PeerConnectorInit = {}) {
    this.#parts = parts;
    this.#memory = parts.memory ?? new BlockMemory();
    this.#metainfo = new MetainfoFetch(parts.dialer);
    this.#leadsHere = leadsHere;
  }

  open(peer: PeerAddress, what: Omit<LinkTarget, 'peer'>, tell: (news: SourceNews) => void): BlockSource {
    let endpoint: string | undefined;
    const endpoints = this.#endpointsOf(peer);
    const openSync = (sync: StreamListener<SyncResponse>): MessageStream<SyncRequest> => {
      if (endpoints.length === 0) return refused(sync, nowhere(peer));
      const race = {
        peerId: peer.peerId,
        endpoints,
        open: (at: string, stream: StreamListener<SyncResponse>) => {
          this.#turns.dialed(peer.peerId, at);
          return this.#acquire(at).connections.openSync(stream);
        },
        lost: (at: string) => this.#release(at),
        won: (at: string) => {
          endpoint = at;
          this.#turns.reached(peer.peerId, at);
        },
      };
      return new EndpointRace(race, sync);
    };
    const parts = {
      openSync,
      // Opened when the uploader answers, in the async context of the link.
      openFetch: AsyncResource.bind((fetch: StreamListener<FetchResponse>) =>
        this.#fetchFrom(endpoint, fetch),
      ),
      self: this.#parts.self,
      signer: this.#parts.signer,
      tell,
      ended: (): void => {
        if (endpoint !== undefined) this.#release(endpoint);
      },
    };
    return new GrpcPeerLink(parts, { ...what, peer });
  }

  #fetchFrom(
    endpoint: string | undefined,
    fetch: StreamListener<FetchResponse>,
  ): MessageStream<FetchRequest> {
    const uploader = endpoint === undefined ? undefined : this.#uploaders.get(endpoint);
    if (!uploader) throw new Error('a Fetch stream is opened before its Sync stream');
    return uploader.connections.openFetch(fetch);
  }

  /** Addresses at which to dial a peer now, without those that lead to this agent itself. */
  #endpointsOf({ peerId, endpoint, endpoints = [endpoint] }: PeerAddress): string[] {
    const usable = endpoints.filter((text) => {
      const address = addressIn(text);
      return address !== undefined && !this.#leadsHere(address);
    });
    return this.#turns.next(peerId, usable);
  }

  async fetchMetainfo(
    peer: PeerAddress,
    infohash: InfoHash,
    signal: AbortSignal,
    progress: MetainfoProgress = () => undefined,
  ): Promise<Metainfo> {
    const endpoints = this.#endpointsOf(peer);
    if (endpoints.length === 0) throw nowhere(peer);
    let falsehood: EnjambreError | undefined;
    const ask = async (endpoint: string, { signal, answers }: Attempt): Promise<Metainfo> => {
      this.#turns.dialed(peer.peerId, endpoint);
      try {
        return await this.#metainfo.at(endpoint, infohash, signal, (bytes, total) => {
          answers();
          progress(bytes, total);
        });
      } catch (error) {
        const known = EnjambreError.from(error);
        if (known.reason === 'BAD_METAINFO') falsehood ??= known;
        throw known;
      }
    };
    // A false answer at one address is more significant than silence at another.
    return firstOf(endpoints, ask, signal).catch((error: unknown) => {
      throw signal.aborted ? error : (falsehood ?? error);
    });
  }

  #acquire(endpoint: string): Uploader {
    let uploader = this.#uploaders.get(endpoint);
    if (!uploader) {
      const memoryFor = (bytes: number): Buffer => this.#memory.take(bytes);
      uploader = { connections: new UploaderConnections(this.#parts.dialer, endpoint, memoryFor), users: 0 };
      this.#uploaders.set(endpoint, uploader);
    }
    uploader.users += 1;
    return uploader;
  }

  #release(endpoint: string): void {
    const uploader = this.#uploaders.get(endpoint);
    if (!uploader) return;
    uploader.users -= 1;
    if (uploader.users > 0) return;
    this.#uploaders.delete(endpoint);
    uploader.connections.close();
  }
}

/** Undefined for text that is not an address: it comes from the tracker. */
function addressIn(text: string): TcpAddress | undefined {
  try {
    return parseTcpAddress(text);
  } catch {
    return undefined;
  }
}

/** A stream that never opened: its listener receives the error in the next turn. */
function refused(listener: StreamListener<SyncResponse>, error: EnjambreError): MessageStream<SyncRequest> {
  const nextTurn = setImmediate(() => {
    listener.ended(error);
  });
  const stop = (): void => clearImmediate(nextTurn);
  return { write: () => undefined, end: () => undefined, cancel: stop };
}

function nowhere({ name, endpoint }: PeerAddress): EnjambreError {
  const message = `${name} is announced at ${endpoint}, which is not reachable from here: configure it to listen on, or to advertise, an address that others can reach`;
  return new EnjambreError('unavailable', 'NO_ENDPOINT', message);
}
