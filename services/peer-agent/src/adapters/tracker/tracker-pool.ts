import { createHash } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { formatAddress, parseTcpAddress, plainHost } from '@enjambre/common/config/address';
import type { Dialer } from '@enjambre/rpc/dialer';
import { isHere } from '../own-addresses.js';
import { TrackerServiceClient } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';

/** All addresses of a host. */
export type ResolveHost = (host: string) => Promise<readonly string[]>;

export interface PooledTracker {
  readonly address: string;
  readonly client: TrackerServiceClient;
}

export interface TrackerPoolInit {
  /** Trackers of one network, each "host:port"; a name stands for all its addresses. */
  readonly addresses: readonly string[];
  /** Orders the trackers: agents with different keys spread over them, and one returns to its own. */
  readonly key: string;
  /** @default the system's */
  readonly resolve?: ResolveHost;
}

/** Maximum wait for a name server; the system may try for half a minute. A later answer is used the next time. */
const RESOLVE_TIMEOUT_MS = 1000;
/** Names are resolved again when they are needed and this old. */
const RESOLVED_FOR_MS = 10_000;
const LOOPBACK = /^(127\.|::1$)/;

/** The trackers that an agent may use, one at a time. */
export class TrackerPool {
  readonly #dialer: Dialer;
  readonly #init: TrackerPoolInit;
  readonly #clients = new Map<string, TrackerServiceClient>();
  /** In this agent's order of preference. */
  #candidates: readonly string[];
  #current: string;
  #resolvedAt = -Infinity;
  /** Last known addresses of names, by the configured text. */
  readonly #found = new Map<string, readonly string[]>();

  constructor(dialer: Dialer, init: TrackerPoolInit) {
    this.#dialer = dialer;
    this.#init = init;
    this.#candidates = inOrderOf(init.key, init.addresses);
    this.#current = this.#candidates[0] ?? '';
  }

  /** The tracker in use, or currently being tried. */
  get address(): string {
    return this.#current;
  }

  /** True if the tracker in use is on this machine. */
  get isHere(): boolean {
    const { host } = parseTcpAddress(this.#current);
    const found = this.#found.get(this.#current) ?? [];
    return (found.length > 0 ? found : [host]).every((address) => isHere(plainHost(address)));
  }

  get client(): TrackerServiceClient {
    return this.#clientOf(this.#current);
  }

  get size(): number {
    return this.#candidates.length;
  }

  /** The tracker in use first, then the others in order. */
  *inTurn(): Generator<PooledTracker> {
    const at = Math.max(0, this.#candidates.indexOf(this.#current));
    for (const address of [...this.#candidates.slice(at), ...this.#candidates.slice(0, at)]) {
      yield { address, client: this.#clientOf(address) };
    }
  }

  /** Selects this tracker. */
  use(address: string): void {
    if (this.#candidates.includes(address)) this.#current = address;
  }

  /** Selects the next tracker. */
  advance(): void {
    const at = this.#candidates.indexOf(this.#current);
    this.#current = this.#candidates[(at + 1) % this.#candidates.length] ?? '';
  }

  /** Resolves the names, if they are due. Drops addresses that are no longer found, unless they are in use. */
  async refresh(): Promise<void> {
    if (performance.now() - this.#resolvedAt < RESOLVED_FOR_MS) return;
    this.#resolvedAt = performance.now();
    const found = await Promise.all(this.#init.addresses.map((address) => this.#addressesOf(address)));
    const wasFirst = this.#current === this.#candidates[0];
    this.#candidates = inOrderOf(this.#init.key, new Set(found.flat()));
    if (!this.#candidates.includes(this.#current) || (wasFirst && this.#clients.size === 0)) {
      this.#current = this.#candidates[0] ?? '';
    }
    for (const [address, client] of this.#clients) {
      if (address === this.#current || this.#candidates.includes(address)) continue;
      client.close();
      this.#clients.delete(address);
    }
  }

  close(): void {
    for (const client of this.#clients.values()) client.close();
  }

  /** A name with one address stays a name, which gRPC resolves itself. So does a name that cannot be resolved. */
  async #addressesOf(text: string): Promise<readonly string[]> {
    const address = parseTcpAddress(text);
    if (address.host === '' || isIP(address.host)) return [text];
    const { resolve = systemAddresses } = this.#init;
    const lookup = resolve(address.host)
      .catch(() => [])
      .then((found) => {
        this.#found.set(text, found);
        return found;
      });
    const hosts =
      (await Promise.race([lookup, nothingAfter(RESOLVE_TIMEOUT_MS)])) ?? this.#found.get(text) ?? [];
    if (hosts.length < 2 || hosts.every((host) => LOOPBACK.test(host))) return [text];
    return hosts.map((host) => formatAddress({ ...address, host }));
  }

  #clientOf(address: string): TrackerServiceClient {
    let client = this.#clients.get(address);
    if (!client)
      this.#clients.set(address, (client = this.#dialer.client(TrackerServiceClient, address, 'tracker')));
    return client;
  }
}

/**
 * Rendezvous hashing: each key has its own order, and adding or removing an address does not change the order of the
 * rest.
 */
function inOrderOf(key: string, addresses: Iterable<string>): string[] {
  const weigh = (address: string): string => createHash('sha256').update(`${key} ${address}`).digest('hex');
  const weighed = [...addresses].map((address) => ({ address, weight: weigh(address) }));
  return weighed.sort((one, other) => (one.weight < other.weight ? -1 : 1)).map(({ address }) => address);
}

async function systemAddresses(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

function nothingAfter(ms: number): Promise<undefined> {
  return new Promise((resolve) => setTimeout(resolve, ms, undefined).unref());
}
