import type { PeerId } from '@enjambre/core/ids';
import type { Labels } from '@enjambre/core/labels';
import type { Distance } from '@enjambre/core/locality';
import { RateMeter } from '../../domain/rate-meter.js';
import { TrafficByDistance } from '../../domain/traffic.js';
import type { TransferRecord } from '../../domain/transfer-record.js';
import type { Locality } from './locality.js';
import type { Meter } from './meter.js';

interface Account {
  readonly peerId: PeerId;
  name: string;
  endpoint: string;
  /** The tracker listed it as a seeder when the link to it was opened. */
  seeder: boolean;
  /** Open streams, in either direction. */
  streams: number;
  received: number;
  sent: number;
  distance: Distance;
  /** Number of streams ever opened in which it serves this agent. */
  links: number;
  receivingMs: number;
  /** When its last block arrived. */
  heardMs: number;
  readonly receiveMeter: RateMeter;
  readonly sendMeter: RateMeter;
}

/** Bytes and rates of one peer. */
export interface PeerAccount {
  readonly peerId: PeerId;
  readonly name: string;
  readonly endpoint: string;
  readonly connected: boolean;
  readonly received: number;
  readonly sent: number;
  readonly distance: Distance;
  /** See PeerBytes. */
  readonly receivingMs: number;
  readonly downloadRate: number;
  readonly uploadRate: number;
}

/** The part of a transfer's record that the ledger keeps. */
type LedgerRecord = Pick<
  TransferRecord,
  'downloadedBytes' | 'uploadedBytes' | 'wastedBytes' | 'peers' | 'traffic'
>;

interface Party {
  readonly peerId: PeerId;
  readonly name: string;
  readonly endpoint?: string;
  readonly seeder?: boolean;
  /** @default the labels it sent before, if any */
  readonly labels?: Labels;
}

interface LedgerComponents {
  readonly locality: Locality;
  /** The agent's counters, over all transfers. */
  readonly meter: Meter;
  readonly nowMs: () => number;
}

/** Maximum number of peers remembered for each transfer; those with the fewest bytes are forgotten first. */
const MAX_ACCOUNTS = 1000;
/** A peer that sends nothing for this long counts as not sending. */
const PAUSE_MS = 1000;

/** Bytes exchanged with each peer, for one transfer. */
export class Ledger {
  readonly #accounts = new Map<PeerId, Account>();
  #downloaded: number;
  #uploaded: number;
  #wasted: number;
  readonly #traffic: TrafficByDistance;
  readonly #locality: Locality;
  readonly #meter: Meter;
  readonly #nowMs: () => number;

  /** @param before counts of earlier processes */
  constructor(before: LedgerRecord, { locality, meter, nowMs }: LedgerComponents) {
    this.#locality = locality;
    this.#meter = meter;
    this.#nowMs = nowMs;
    this.#traffic = new TrafficByDistance(before.traffic);
    this.#downloaded = before.downloadedBytes;
    this.#uploaded = before.uploadedBytes;
    this.#wasted = before.wastedBytes;
    for (const { peerId, name, ...counted } of before.peers) {
      Object.assign(this.#account({ peerId, name }), counted);
    }
  }

  /** Bytes received, including wasted ones and those of earlier processes. */
  get downloaded(): number {
    return this.#downloaded;
  }

  /** Bytes sent, including those of earlier processes. */
  get uploaded(): number {
    return this.#uploaded;
  }

  /** The persistent state. */
  get record(): LedgerRecord {
    return {
      downloadedBytes: this.#downloaded,
      uploadedBytes: this.#uploaded,
      wastedBytes: this.#wasted,
      peers: this.peers().map(({ peerId, name, received, sent, distance, receivingMs }) => ({
        peerId,
        name,
        received,
        sent,
        distance,
        receivingMs,
      })),
      traffic: this.#traffic.record,
    };
  }

  /** A block arrived and is kept. */
  received(peer: PeerId, bytes: number): void {
    const account = this.#came(peer, bytes);
    this.#meter.receive(account?.seeder ? 'seeder' : 'leecher', account?.distance ?? 'unknown', bytes);
    if (!account) return;
    const nowMs = this.#nowMs();
    account.received += bytes;
    account.receiveMeter.add(bytes, nowMs);
    account.receivingMs += nowMs - account.heardMs < PAUSE_MS ? nowMs - account.heardMs : 0;
    account.heardMs = nowMs;
  }

  /** Bytes arrived that the download already has. */
  repeated(peer: PeerId, bytes: number): void {
    this.#meter.repeatedBytes += bytes;
    this.#came(peer, bytes);
    this.#wasted += bytes;
  }

  /** The bytes of a piece that failed verification. */
  spoilt(bytes: number): void {
    this.#meter.spoiltBytes += bytes;
    this.#meter.piecesFailed += 1;
    this.#wasted += bytes;
  }

  sent(peer: PeerId, bytes: number): void {
    this.#uploaded += bytes;
    const account = this.#accounts.get(peer);
    const distance = account?.distance ?? 'unknown';
    this.#traffic.sent(distance, bytes);
    this.#locality.traffic.sent(distance, bytes);
    if (!account) return;
    account.sent += bytes;
    account.sendMeter.add(bytes, this.#nowMs());
  }

  streamOpened(party: Party): void {
    const account = this.#account(party);
    if (account.streams === 0) this.#meter.connectedPeers += 1;
    account.streams += 1;
  }

  /** A stream was opened in which the peer serves this agent. True if it was not the first. */
  linkOpened(party: Party): boolean {
    this.streamOpened(party);
    const account = this.#account(party);
    account.links += 1;
    account.heardMs = this.#nowMs();
    return account.links > 1;
  }

  streamClosed(peer: PeerId): void {
    const account = this.#accounts.get(peer);
    if (!account) return;
    account.streams -= 1;
    if (account.streams === 0) this.#meter.connectedPeers -= 1;
  }

  /** The name of a peer; empty if it is not remembered. */
  nameOf(peer: PeerId): string {
    return this.#accounts.get(peer)?.name ?? '';
  }

  /** Peers with an open stream, or with which bytes were exchanged. */
  peers(): PeerAccount[] {
    const now = this.#nowMs();
    return [...this.#accounts.values()]
      .filter(({ streams, received, sent }) => streams > 0 || received > 0 || sent > 0)
      .map((account) => ({
        peerId: account.peerId,
        name: account.name,
        endpoint: account.endpoint,
        connected: account.streams > 0,
        received: account.received,
        sent: account.sent,
        distance: account.distance,
        receivingMs: account.receivingMs,
        downloadRate: account.receiveMeter.rate(now),
        uploadRate: account.sendMeter.rate(now),
      }));
  }

  #came(peer: PeerId, bytes: number): Account | undefined {
    this.#downloaded += bytes;
    const account = this.#accounts.get(peer);
    const distance = account?.distance ?? 'unknown';
    this.#traffic.received(distance, bytes);
    this.#locality.traffic.received(distance, bytes);
    return account;
  }

  #account({ peerId, name, endpoint = '', seeder, labels }: Party): Account {
    let account = this.#accounts.get(peerId);
    if (!account) {
      this.#makeRoom();
      account = newAccount(peerId);
      this.#accounts.set(peerId, account);
    }
    account.name = name;
    if (endpoint !== '') account.endpoint = endpoint;
    if (seeder !== undefined) account.seeder = seeder;
    if (labels) account.distance = this.#locality.distanceTo(labels);
    return account;
  }

  #makeRoom(): void {
    if (this.#accounts.size < MAX_ACCOUNTS) return;
    let least: Account | undefined;
    for (const account of this.#accounts.values()) {
      if (account.streams > 0) continue;
      if (!least || account.received + account.sent < least.received + least.sent) least = account;
    }
    if (least) this.#accounts.delete(least.peerId);
  }
}

function newAccount(peerId: PeerId): Account {
  return {
    peerId,
    name: '',
    endpoint: '',
    seeder: false,
    streams: 0,
    received: 0,
    sent: 0,
    distance: 'unknown',
    links: 0,
    receivingMs: 0,
    heardMs: -Infinity,
    receiveMeter: new RateMeter(),
    sendMeter: new RateMeter(),
  };
}
