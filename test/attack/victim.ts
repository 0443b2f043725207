import { readFile, writeFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import type { ManagedProcess } from '@enjambre/harness/managed-process';
import { metricsOf } from '@enjambre/harness/metrics-page';

const PROBE_MS = 50;
const KIB_IN_MIB = 1024;

/** What was measured of a victim over a period. */
export interface VictimFigures {
  readonly rssPeakMiB: number;
  readonly lagP99Ms: number;
  readonly lagMostMs: number;
}

/**
 * One process of the product under observation: its memory, and the delay of its event loop. The delay is that of an
 * HTTP request to its metrics port, one every 50 ms whether or not earlier ones were answered.
 */
export class Victim {
  #lags: number[] = [];
  #sentMs: number[] = [];
  #timer: NodeJS.Timeout | undefined;

  private constructor(
    readonly process: ManagedProcess,
    private readonly socket: Socket,
  ) {
    let text = '';
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1');
      for (let at = text.indexOf('HTTP/1.1'); at >= 0; at = text.indexOf('HTTP/1.1')) {
        text = text.slice(at + 8);
        const sentMs = this.#sentMs.shift();
        if (sentMs !== undefined) this.#lags.push(performance.now() - sentMs);
      }
    });
    socket.on('error', () => undefined);
  }

  /** @param process a service with `--metrics` and JSON logs */
  static async watch(process: ManagedProcess): Promise<Victim> {
    const [host = '', port] = (await metricsOf(process)).split(':');
    const socket = connect({ host, port: Number(port), noDelay: true });
    await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    const victim = new Victim(process, socket);
    victim.#timer = setInterval(() => victim.#probe(), PROBE_MS);
    return victim;
  }

  get isRunning(): boolean {
    return this.process.isRunning;
  }

  rssMiB(): Promise<number> {
    return this.#memory('VmRSS');
  }

  /** Starts a new period. */
  async reset(): Promise<void> {
    this.#lags = [];
    // Sets the peak to the current value (proc(5)); without permission the peak covers the whole run.
    await writeFile(`/proc/${this.process.pid}/clear_refs`, '5').catch(() => undefined);
  }

  async figures(): Promise<VictimFigures> {
    const nowMs = performance.now();
    const lags = [...this.#lags, ...this.#sentMs.map((ms) => nowMs - ms)].sort((a, b) => a - b);
    const p99 = lags[Math.floor(0.99 * (lags.length - 1))] ?? 0;
    return { rssPeakMiB: await this.#memory('VmHWM'), lagP99Ms: p99, lagMostMs: lags.at(-1) ?? 0 };
  }

  stop(): Promise<void> {
    clearInterval(this.#timer);
    this.socket.destroy();
    return Promise.resolve();
  }

  #probe(): void {
    if (!this.process.isRunning) return;
    this.#sentMs.push(performance.now());
    this.socket.write('GET /healthz HTTP/1.1\r\nHost: victim\r\n\r\n');
  }

  async #memory(field: string): Promise<number> {
    const text = await readFile(`/proc/${this.process.pid}/status`, 'utf8').catch(() => '');
    const [, kib] = new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(text) ?? [];
    return Number(kib ?? 0) / KIB_IN_MIB;
  }
}
