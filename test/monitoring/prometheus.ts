import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { ProcessSwarm } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';

/** One time series of a query result. */
interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [time: number, value: string];
}

interface Target {
  readonly health: string;
}

/** A real Prometheus (Debian's) that scrapes services of a swarm every second, and stops with it. */
export class Prometheus {
  private constructor(private readonly url: string) {}

  /** @param targets "HOST:PORT" of each service's metrics, by job name */
  static async start(
    swarm: ProcessSwarm,
    targets: Readonly<Record<string, readonly string[]>>,
    rules: string,
  ): Promise<Prometheus> {
    const folder = join(swarm.root, 'prometheus');
    await mkdir(folder);
    const jobs = Object.entries(targets).map(([job, addresses]) => ({
      job_name: job,
      static_configs: [{ targets: addresses }],
    }));
    const settings = {
      global: { scrape_interval: '1s', evaluation_interval: '1s' },
      rule_files: [rules],
      scrape_configs: jobs,
    };
    // JSON is valid YAML.
    await writeFile(join(folder, 'prometheus.yaml'), JSON.stringify(settings));
    const listen = `127.0.0.1:${await freePort()}`;
    const process = swarm.spawn('prometheus', [
      `--config.file=${join(folder, 'prometheus.yaml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=${listen}`,
    ]);
    process.wait().catch(() => undefined);
    const prometheus = new Prometheus(`http://${listen}`);
    await waitFor(
      () => {
        if (process.isRunning) return prometheus.#isReady();
        throw new Error(`Prometheus has ended: ${process.stderr.slice(-5).join('\n')}`);
      },
      { what: 'Prometheus to be ready', retryErrors: true },
    );
    return prometheus;
  }

  /** The current result of a query. Throws Prometheus' error. */
  async query(expression: string): Promise<readonly Series[]> {
    const answer = await this.#get<{ result: readonly Series[] }>(
      `/api/v1/query?query=${encodeURIComponent(expression)}`,
    );
    return answer.result;
  }

  /** The number of scraped targets, and of those that are up. */
  async targets(): Promise<{ all: number; up: number }> {
    const { activeTargets } = await this.#get<{ activeTargets: readonly Target[] }>('/api/v1/targets');
    return { all: activeTargets.length, up: activeTargets.filter(({ health }) => health === 'up').length };
  }

  /** Names of the alerts that Prometheus evaluates, each with its error, if any. */
  async alerts(): Promise<readonly { name: string; query: string; lastError?: string }[]> {
    const { groups } = await this.#get<{
      groups: readonly { rules: readonly { name: string; query: string; lastError?: string }[] }[];
    }>('/api/v1/rules');
    return groups.flatMap(({ rules }) => rules);
  }

  async #get<T>(path: string): Promise<T> {
    const response = await fetch(this.url + path, { signal: AbortSignal.timeout(10_000) });
    const body = (await response.json()) as { status: string; data: T; error?: string };
    if (body.status !== 'success') throw new Error(`${path}: ${body.error ?? response.status}`);
    return body.data;
  }

  async #isReady(): Promise<boolean> {
    return (await fetch(`${this.url}/-/ready`)).ok;
  }
}

/** Prometheus does not report which port the system chose. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
