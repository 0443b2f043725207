import { PeerIdentity } from '@enjambre/common/identity/identity';
import { createLogger } from '@enjambre/common/log/logger';
import { waitFor } from '@enjambre/harness/wait-for';
import { dialer } from '@enjambre/harness/dialer';
import {
  infoHashFromBytes,
  infoHashToBytes,
  peerIdFromBytes,
  peerIdToBytes,
  type InfoHash,
  type PeerId,
} from '@enjambre/core/ids';
import {
  AnnounceEvent,
  type ConnectRequest,
  type File,
  type ListFilesResponse,
  type PeerDelta,
  type SwarmPeer,
} from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { TrackerLink } from '../../src/adapters/tracker/tracker-link.js';
import type { PeerAddress } from '../../src/app/ports/peers.js';
import type { SharedFile } from '../../src/app/ports/tracker.js';
import { ScriptedTracker } from '../support/scripted-tracker.js';
import type { Heard, TrackerSite } from './contract.js';
import { idDigits } from '@enjambre/core/named';

type Said = NonNullable<ConnectRequest['message']>;
type AnnounceWord = Extract<Heard, { type: 'announce' }>['event'];

const EVENTS: ReadonlyMap<AnnounceEvent, AnnounceWord> = new Map([
  [AnnounceEvent.UNSPECIFIED, ''],
  [AnnounceEvent.STARTED, 'started'],
  [AnnounceEvent.COMPLETED, 'completed'],
  [AnnounceEvent.PAUSED, 'paused'],
  [AnnounceEvent.FAILED, 'failed'],
]);
interface Member {
  readonly peer: PeerAddress;
  /** Listed only for watches that request more peers than usual. */
  readonly beyond: boolean;
}

/** The real link, on a connection to a small tracker. */
export class LinkSite implements TrackerSite {
  readonly tracker: TrackerLink;
  readonly #files: File[] = [];
  readonly #swarms = new Map<InfoHash, Map<PeerId, Member>>();
  /** Watched swarms of this session, and whether with more peers than usual. */
  readonly #watches = new Map<InfoHash, boolean>();
  #started = false;

  private constructor(private readonly network: ScriptedTracker) {
    const description = { name: 'agent', endpoints: [':7072'], labels: {}, version: 'test' };
    const log = createLogger({ name: 'test', level: 'silent' });
    this.tracker = new TrackerLink(
      { identity: PeerIdentity.generate(), dialer, log },
      { addresses: [network.address], description: () => description },
    );
  }

  static async make(): Promise<LinkSite> {
    const network: ScriptedTracker = new ScriptedTracker({
      said: (message) => site.#onMessage(message),
      listFiles: ({ query, exactName }) => (exactName ? site.#find(query) : undefined),
    });
    // Its port is known by then.
    await network.start();
    network.kill();
    const site: LinkSite = new LinkSite(network);
    return site;
  }

  async open(): Promise<void> {
    await this.network.start();
    if (!this.#started) await this.tracker.start();
    this.#started = true;
    await this.#until(true);
  }

  async lose(): Promise<void> {
    this.network.kill();
    await this.#until(false);
    this.#watches.clear();
  }

  join(infohash: InfoHash, peer: PeerAddress, beyond = false): void {
    this.#swarmOf(infohash).set(peer.peerId, { peer, beyond });
    const isWide = this.#watches.get(infohash);
    if (isWide === true || (isWide === false && !beyond))
      this.#tell(infohash, { upserted: [wirePeer(peer)] });
  }

  leave(infohash: InfoHash, peer: PeerId): void {
    this.#swarmOf(infohash).delete(peer);
    if (this.#watches.has(infohash)) this.#tell(infohash, { removed: [peerIdToBytes(peer)] });
  }

  catalogue({ infohash, name, size, pieceLength, fileCount, publications, ...facts }: SharedFile): void {
    const summary = { infohash, name, sizeBytes: BigInt(size), pieceLength: BigInt(pieceLength), fileCount };
    this.#files.push({
      ...summary,
      ...facts,
      seederCount: 1,
      leecherCount: 0,
      sharedAt: undefined,
      publisherName: '',
      publications: publications.map(({ publisher: { id, name: its }, version, publishedAtMs, signed }) => ({
        publisher: { id, name: its },
        version,
        publishedAt: new Date(publishedAtMs),
        signed: Buffer.from(signed ?? '', 'base64'),
      })),
    });
  }

  heard(): Heard[] {
    return this.network.last?.said.flatMap(wordOf) ?? [];
  }

  async close(): Promise<void> {
    await this.tracker.stop();
    this.network.kill();
  }

  #find(query: string): ListFilesResponse {
    const digits = idDigits(query);
    const files = this.#files.filter(
      ({ name, infohash }) => name === query || (digits !== undefined && infohash.startsWith(digits)),
    );
    return { files, nextPageToken: '' };
  }

  async #until(connected: boolean): Promise<void> {
    await waitFor(() => this.tracker.connected === connected, {
      what: connected ? 'a session' : 'the end of the session',
      everyMs: 2,
      timeoutMs: 10_000,
      seen: () => [this.tracker.problem, this.network.visits.length],
    });
  }

  #onMessage(message: Said): void {
    if (message.$case === 'unwatch') this.#watches.delete(infoHashFromBytes(message.value.infohash));
    if (message.$case !== 'watch') return;
    const infohash = infoHashFromBytes(message.value.infohash);
    const isWide = message.value.maxPeers > 0;
    this.#watches.set(infohash, isWide);
    const named = [...this.#swarmOf(infohash).values()].filter(({ beyond }) => isWide || !beyond);
    this.#tell(infohash, { snapshot: true, upserted: named.map(({ peer }) => wirePeer(peer)) });
  }

  #tell(infohash: InfoHash, change: Partial<PeerDelta>): void {
    const delta = { infohash: infoHashToBytes(infohash), snapshot: false, upserted: [], removed: [] };
    this.network.last?.tell({ $case: 'peerDelta', value: { ...delta, ...change } });
  }

  #swarmOf(infohash: InfoHash): Map<PeerId, Member> {
    const swarm = this.#swarms.get(infohash) ?? new Map<PeerId, Member>();
    this.#swarms.set(infohash, swarm);
    return swarm;
  }
}

function wirePeer({ peerId, name, endpoint, endpoints = [], seeder, labels = {} }: PeerAddress): SwarmPeer {
  return { id: peerIdToBytes(peerId), name, endpoint, endpoints: [...endpoints], seeder, labels };
}

function wordOf(said: Said): Heard[] {
  switch (said.$case) {
    case 'announce': {
      const { infohash, event, leftBytes, reason, message } = said.value;
      const word = EVENTS.get(event) ?? '';
      return [
        {
          type: 'announce',
          infohash: infoHashFromBytes(infohash),
          event: word,
          leftBytes: Number(leftBytes),
          reason,
          message,
        },
      ];
    }
    case 'share':
      return [
        { type: 'offer', infohash: infoHashFromBytes(said.value.infohash), isNew: !said.value.restated },
      ];
    case 'withdraw':
      return [{ type: 'withdraw', infohash: infoHashFromBytes(said.value.infohash) }];
    case 'ban': {
      const { peerId, message: reason, infohash } = said.value;
      return [
        { type: 'ban', peerId: peerIdFromBytes(peerId), reason, infohash: infoHashFromBytes(infohash) },
      ];
    }
    default:
      return [];
  }
}
