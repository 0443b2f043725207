import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { EnjambreError } from '@enjambre/core/error';
import { ManagedProcess } from '@enjambre/harness/managed-process';
import { Cleanup } from './cleanup.js';
import { spawnAt, type Host } from './teams/team.js';

const SCRIPT = fileURLToPath(new URL('../lab/netns.sh', import.meta.url));
/** Duration of a measurement, after a warm-up that is not counted, in which token buckets are full. */
const MEASURE_MS = 3000;
const SETTLE_MS = 500;

/** Hosts in network namespaces, each with a link of a limited rate (lab/netns.sh). Needs root. */
export class Lab {
  private constructor(
    private readonly name: string,
    /** This machine, as seen by the hosts: a link without a limit. */
    readonly home: Host,
    readonly hosts: readonly Host[],
  ) {}

  /** Builds a lab; `after` takes it down. Rates, one for each host, in Mbit/s. */
  static async build(rates: readonly number[], after: Cleanup): Promise<Lab> {
    if (process.getuid?.() !== 0)
      throw new EnjambreError('denied', 'NEEDS_ROOT', 'network namespaces require root: run this as root');
    const name = `ejb${process.pid}`;
    const child = new ManagedProcess(SCRIPT, [name, ...rates.map((rate) => `${rate}mbit`)], { input: true });
    after.defer(() => child.stop());
    const pick = ({ subnet }: Record<string, unknown>): string | undefined =>
      typeof subnet === 'string' ? subnet : undefined;
    const subnet = await child.waitForLog(pick, 'the lab to be up', 60_000);
    const hosts = rates.map((_, index) => ({
      address: `${subnet}.${index + 1}`,
      via: ['ip', 'netns', 'exec', `${name}h${index + 1}`],
    }));
    return new Lab(name, { address: `${subnet}.254`, via: [] }, hosts);
  }

  /** Bytes that host `index` has sent over its link, with headers. */
  sentBytes(index: number): number {
    return this.#counter(index, 'rx_bytes');
  }

  /** Bytes that host `index` has received over its link, with headers. */
  receivedBytes(index: number): number {
    return this.#counter(index, 'tx_bytes');
  }

  /** Measures the throughput of one TCP stream on the link of host `index`, in payload bytes per second. */
  async linkRate(index: number): Promise<number> {
    const host = this.hosts[index];
    if (!host) throw new RangeError(`no host ${index}`);
    const after = new Cleanup();
    let received = 0;
    const count = (socket: Socket): void => {
      socket.on('data', (chunk) => (received += chunk.length)).on('error', () => undefined);
      after.defer(() => socket.destroy());
    };
    const server = createServer(count);
    after.defer(() => server.close());
    try {
      await new Promise<void>((resolve) => server.listen(0, this.home.address, resolve));
      const { address, port } = server.address() as AddressInfo;
      spawnAt(host, ['bash', '-c', `exec cat /dev/zero >/dev/tcp/${address}/${port}`], { after });
      await delay(SETTLE_MS);
      const [beganMs, before] = [performance.now(), received];
      await delay(MEASURE_MS);
      return (received - before) / ((performance.now() - beganMs) / 1000);
    } finally {
      await after.run();
    }
  }

  /** Counter of the bridge's end of the link: the bytes that it receives are those that the host sent. */
  #counter(index: number, counter: 'rx_bytes' | 'tx_bytes'): number {
    const path = `/sys/class/net/${this.name}v${index + 1}/statistics/${counter}`;
    return Number(readFileSync(path, 'utf8'));
  }
}
