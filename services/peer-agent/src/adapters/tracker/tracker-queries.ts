import { operatorAuthorization } from '@enjambre/common/identity/operator-token';
import { EnjambreError, messageOf } from '@enjambre/core/error';
import { callUnary, readStream, type UnaryOptions } from '@enjambre/rpc/client';
import type {
  ListFilesRequest,
  ListFilesResponse,
  TrackerServiceClient,
} from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { Metadata } from '@grpc/grpc-js';
import type {
  CatalogueFile,
  EventSelection,
  NetworkEvent,
  NetworkMember,
  NetworkPeer,
  NetworkView,
  Page,
  PageRequest,
} from '../../app/ports/network.js';
import type { FindOptions, SharedFile } from '../../app/ports/tracker.js';
import { askInTurn, findAnswering, isSilence } from './ask-in-turn.js';
import { fileFromWire } from './convert.js';
import {
  catalogueFileFromWire,
  networkEventFromWire,
  networkMemberFromWire,
  networkPeerFromWire,
  selectionToWire,
} from './convert-network.js';
import type { TrackerPool } from './tracker-pool.js';
import { quote } from '@enjambre/core/quote';

/** The agent's session with a tracker of the pool. */
interface SessionState {
  readonly connected: boolean;
  /** A session is open or being opened. */
  readonly begun: boolean;
}

export interface TrackerQueriesComponents {
  readonly pool: TrackerPool;
  readonly session: SessionState;
  /** Ends all queries. */
  readonly stopping: AbortSignal;
  /** File with the token of the operator of this machine, if there is one. */
  readonly operatorTokenFile: string | undefined;
}

/** Maximum number of files with one name: the page size of trackers. */
const MOST_NAMESAKES = 1000;

/** Asks the tracker in use, and soon the next if it does not answer. Needs no session. */
export class TrackerQueries implements NetworkView {
  constructor(private readonly parts: TrackerQueriesComponents) {}

  async findFiles(
    query: string,
    { publisher = '', signal }: FindOptions = {},
  ): Promise<readonly SharedFile[]> {
    const request = { query, pageSize: MOST_NAMESAKES, pageToken: '', exactName: true, publisher };
    const { files, nextPageToken } = await this.#files(request, signal);
    // What is not on the page may be what is meant.
    if (nextPageToken !== '') throw tooManyNamesakes(query);
    return files.map(fileFromWire);
  }

  async listFiles(query: string, { pageSize, pageToken }: PageRequest): Promise<Page<CatalogueFile>> {
    const { files, nextPageToken } = await this.#files({
      query,
      pageSize,
      pageToken,
      exactName: false,
      publisher: '',
    });
    return { items: files.map(catalogueFileFromWire), nextPageToken };
  }

  async listPeers({ pageSize, pageToken }: PageRequest): Promise<Page<NetworkPeer>> {
    const request = { query: '', pageSize, pageToken };
    const { peers, nextPageToken } = await this.#ask((client, options) =>
      callUnary(client.listPeers.bind(client), request, options),
    );
    return { items: peers.map(networkPeerFromWire), nextPageToken };
  }

  async listSwarm(infohash: string, maxPeers: number): Promise<readonly NetworkMember[]> {
    const { members } = await this.#ask((client, options) =>
      callUnary(client.getSwarm.bind(client), { infohash, maxPeers }, options),
    );
    return members.map(networkMemberFromWire);
  }

  async *watchEvents(selection: EventSelection, signal: AbortSignal): AsyncGenerator<NetworkEvent> {
    const request = selectionToWire(selection);
    let heard = false;
    let failure: unknown;
    await this.#chooseAnswering(signal);
    for (const { client, address } of this.parts.pool.inTurn()) {
      try {
        for await (const { event } of readStream(
          client.watchEvents(request, await this.#proof(address)),
          signal,
        )) {
          heard = true;
          if (event) yield networkEventFromWire(event);
        }
        return;
      } catch (error) {
        failure = error;
        if (heard || !isSilence(error)) break;
      }
    }
    throw this.#explain(failure);
  }

  /** A tracker on this machine shows texts of messages to its operator. */
  async #proof(address: string): Promise<Metadata> {
    const metadata = new Metadata();
    const authorization = await operatorAuthorization(address, this.parts.operatorTokenFile);
    if (authorization !== undefined) metadata.set('authorization', authorization);
    return metadata;
  }

  #files(request: ListFilesRequest, signal?: AbortSignal): Promise<ListFilesResponse> {
    return this.#ask((client, options) => callUnary(client.listFiles.bind(client), request, options), signal);
  }

  async #ask<T>(
    call: (client: TrackerServiceClient, options: UnaryOptions) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const { pool, stopping } = this.parts;
    try {
      return await askInTurn(pool, call, signal ? AbortSignal.any([stopping, signal]) : stopping);
    } catch (error) {
      throw this.#explain(error);
    }
  }

  /** A stream cannot distinguish a tracker with nothing to report from one that does not answer. */
  async #chooseAnswering(signal: AbortSignal): Promise<void> {
    const { pool, session } = this.parts;
    if (session.connected || pool.size < 2) return;
    const address = await findAnswering(pool, signal).catch((error: unknown) => {
      throw this.#explain(error);
    });
    // A session selects its own tracker.
    if (!session.begun) pool.use(address);
  }

  #explain(error: unknown): EnjambreError {
    const known = EnjambreError.from(error);
    // A tracker's own error, such as NATS being unavailable, is more useful.
    if (!isSilence(error) || !/^(UNAVAILABLE|DEADLINE_EXCEEDED|CANCELLED)$/.test(known.reason)) return known;
    const message = `the tracker at ${this.parts.pool.address} cannot be reached: start it, or choose another`;
    const details = { cause: messageOf(error), metadata: { setting: 'tracker' } };
    return new EnjambreError('unavailable', 'NO_TRACKER', message, details);
  }
}

function tooManyNamesakes(query: string): EnjambreError {
  const message = `more than ${MOST_NAMESAKES} files match ${quote(query)}: use an infohash, or choose a publisher`;
  return new EnjambreError('precondition', 'AMBIGUOUS_REF', message);
}
