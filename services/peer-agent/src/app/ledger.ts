import type { PeerId } from '@enjambre/core/ids';
import { RateMeter } from '../domain/rate-meter.js';
import type { TransferRecord } from '../domain/transfer-record.js';
import { Meter, type Distance } from './meter.js';

interface Account {
  readonly peerId: PeerId;
  name: string;
  endpoint: string;
  /** The tracker named it as one when the link to it was opened. */
  seeder: boolean;
  distance: Distance;
  /** Open streams, in either direction. */
  streams: number;
  received: number;
  sent: number;
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
  readonly receiveRate: number;
  readonly sendRate: number;
}

/** The part of a transfer's record that the ledger keeps. */
type LedgerRecord = Pick<TransferRecord, 'bytesDownloaded' | 'bytesUploaded' | 'bytesWasted' | 'peers'>;

interface Party {
  readonly peerId: PeerId;
  readonly name: string;
  readonly endpoint?: string;
  readonly seeder?: boolean;
  /** @default 'unknown' */
  readonly distance?: Distance;
}

/** Peers remembered for each transfer at most; those with the fewest bytes are forgotten. */
const MAX_ACCOUNTS = 1000;

/** Who sent how much to whom, for one transfer. */
export class Ledger {
  readonly #accounts = new Map<PeerId, Account>();
  #downloaded: number;
  #uploaded: number;
  #wasted: number;

  /**
   * @param before what was counted in earlier processes
   * @param meter where the agent counts, all transfers together
   */
  constructor(
    before: LedgerRecord,
    private readonly nowMs: () => number,
    private readonly meter = new Meter(),
  ) {
    this.#downloaded = before.bytesDownloaded;
    this.#uploaded = before.bytesUploaded;
    this.#wasted = before.bytesWasted;
    for (const { peerId, name, received, sent } of before.peers) {
      Object.assign(this.#account({ peerId, name }), { received, sent });
    }
  }

  /** Bytes sent, in earlier processes too. */
  get uploaded(): number {
    return this.#uploaded;
  }

  /** What is to outlive the process. */
  get record(): LedgerRecord {
    return {
      bytesDownloaded: this.#downloaded,
      bytesUploaded: this.#uploaded,
      bytesWasted: this.#wasted,
      peers: this.peers().map(({ peerId, name, received, sent }) => ({ peerId, name, received, sent })),
    };
  }

  /** A block came that is kept. */
  received(peer: PeerId, bytes: number): void {
    this.#downloaded += bytes;
    const account = this.#accounts.get(peer);
    this.meter.receive(account?.seeder ? 'seeder' : 'leecher', account?.distance ?? 'unknown', bytes);
    if (!account) return;
    account.received += bytes;
    account.receiveMeter.add(bytes, this.nowMs());
  }

  /** Bytes came that are of no use: repeated. */
  repeated(bytes: number): void {
    this.meter.repeatedBytes += bytes;
    this.#downloaded += bytes;
    this.#wasted += bytes;
  }

  /** Bytes that were kept turned out to be wrong. */
  spoilt(bytes: number): void {
    this.meter.spoiltBytes += bytes;
    this.meter.piecesFailed += 1;
    this.#wasted += bytes;
  }

  sent(peer: PeerId, bytes: number): void {
    this.#uploaded += bytes;
    const account = this.#accounts.get(peer);
    this.meter.send(account?.distance ?? 'unknown', bytes);
    if (!account) return;
    account.sent += bytes;
    account.sendMeter.add(bytes, this.nowMs());
  }

  streamOpened(party: Party): void {
    const account = this.#account(party);
    if (account.streams === 0) this.meter.connectedPeers += 1;
    account.streams += 1;
  }

  streamClosed(peer: PeerId): void {
    const account = this.#accounts.get(peer);
    if (!account) return;
    account.streams -= 1;
    if (account.streams === 0) this.meter.connectedPeers -= 1;
  }

  /** What a peer called itself; empty if it is not remembered. */
  nameOf(peer: PeerId): string {
    return this.#accounts.get(peer)?.name ?? '';
  }

  /** Peers with a stream open, or with which bytes were exchanged. */
  peers(): PeerAccount[] {
    const now = this.nowMs();
    return [...this.#accounts.values()]
      .filter(({ streams, received, sent }) => streams > 0 || received > 0 || sent > 0)
      .map((account) => ({
        peerId: account.peerId,
        name: account.name,
        endpoint: account.endpoint,
        connected: account.streams > 0,
        received: account.received,
        sent: account.sent,
        receiveRate: account.receiveMeter.rate(now),
        sendRate: account.sendMeter.rate(now),
      }));
  }

  #account({ peerId, name, endpoint = '', seeder, distance }: Party): Account {
    let account = this.#accounts.get(peerId);
    if (!account) {
      this.#makeRoom();
      const meters = { receiveMeter: new RateMeter(), sendMeter: new RateMeter() };
      const place = { seeder: false, distance: 'unknown' as const };
      account = { peerId, name, endpoint, ...place, streams: 0, received: 0, sent: 0, ...meters };
      this.#accounts.set(peerId, account);
    }
    account.name = name;
    if (endpoint !== '') account.endpoint = endpoint;
    if (seeder !== undefined) account.seeder = seeder;
    if (distance !== undefined) account.distance = distance;
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
