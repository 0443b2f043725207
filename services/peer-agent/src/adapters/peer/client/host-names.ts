import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { parseTcpAddress, type TcpAddress } from '@enjambre/common/config/address';

/** Names looked up at a time: each look-up may occupy a thread of the process for half a minute. */
const MAX_LOOKUPS = 2;
/** Maximum wait for an answer. A later one is used the next time. */
const LOOKUP_MS = 2000;
/** How long an answer, or its absence, is used. */
const KEPT_MS = 60_000;
const MAX_NAMES = 1000;
/** Addresses of one name that are used. */
const MAX_ADDRESSES = 4;

interface Answer {
  readonly hosts: readonly string[];
  readonly atMs: number;
}

/**
 * Looks up host names that strangers announce, a few at a time. The agent then dials an address, not the name: what was
 * checked is what is dialed.
 */
export class HostNames {
  readonly #answers = new Map<string, Answer>();
  readonly #pending = new Map<string, Promise<void>>();

  constructor(private readonly resolve: (host: string) => Promise<readonly string[]> = systemAddresses) {}

  /** The addresses of "HOST:PORT" that are known now; undefined if its host must be looked up first. */
  known(endpoint: string): readonly TcpAddress[] | undefined {
    const address = addressIn(endpoint);
    if (!address) return [];
    if (isIP(address.host.replace(/%.*$/, '')) > 0 || address.host === '') return [address];
    const answer = this.#answers.get(address.host);
    if (!answer || performance.now() - answer.atMs > KEPT_MS) return undefined;
    return answer.hosts.map((host) => ({ ...address, host }));
  }

  /** Looks up the host of each endpoint that is not known. Resolves after a few seconds at most; never rejects. */
  async learn(endpoints: readonly string[]): Promise<void> {
    const unknown = endpoints.filter((endpoint) => this.known(endpoint) === undefined);
    const hosts = new Set(unknown.flatMap((endpoint) => addressIn(endpoint)?.host ?? []));
    await Promise.all([...hosts].map((host) => Promise.race([this.#lookup(host), after(LOOKUP_MS)])));
  }

  async #lookup(host: string): Promise<void> {
    const pending = this.#pending.get(host);
    if (pending) return pending;
    // Without room it is looked up when its peer is dialed again.
    if (this.#pending.size >= MAX_LOOKUPS) return;
    const asked = this.resolve(host)
      .catch(() => [])
      .then((hosts) => {
        this.#pending.delete(host);
        this.#keep(host, hosts.slice(0, MAX_ADDRESSES));
      });
    this.#pending.set(host, asked);
    await asked;
  }

  #keep(host: string, hosts: readonly string[]): void {
    this.#answers.delete(host);
    this.#answers.set(host, { hosts, atMs: performance.now() });
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > MAX_NAMES && oldest !== undefined) this.#answers.delete(oldest);
  }
}

/** Undefined for text that is not an address. */
function addressIn(text: string): TcpAddress | undefined {
  try {
    return parseTcpAddress(text);
  } catch {
    return undefined;
  }
}

async function systemAddresses(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}
