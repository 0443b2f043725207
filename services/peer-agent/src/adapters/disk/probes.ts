import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { RESERVED_NAME } from '../../app/ports/store-factory.js';
import type { DiskFiles } from './disk-files.js';
import { makeStage } from './stage-folder.js';

/** Paths of one probe in a folder. */
export interface Probe {
  /** A folder of its own in the folder for downloads in progress. */
  readonly stage: string;
  /** An unused path beside the content of the folder. */
  readonly arrival: string;
}

const ID = /^(?:([0-9a-f]{16})-)?[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const STAGE = 'probe-';
const ARRIVAL = '.probe-';
/** No probe takes this long: an older one was left by a killed agent. */
const MAX_AGE_MS = 24 * 3_600_000;

/** True for the name of a probe beside the content of a folder; it is never shared. */
export function isProbe(name: string): boolean {
  return name.startsWith(ARRIVAL) && ID.test(name.slice(ARRIVAL.length));
}

/**
 * Probes of target folders. Each leaves nothing behind; leftovers of a killed process are removed by the next probe in
 * the folder, or by {@link sweep}. Only the agent's own leftovers are removed at once: others may be in use.
 */
export class Probes {
  readonly #live = new Set<string>();

  /** @param owner 16 hexadecimal digits that identify this agent */
  constructor(
    private readonly owner: string,
    private readonly files: DiskFiles,
  ) {}

  /** Runs `use`, and removes everything it has created. */
  async with<T>(folder: string, use: (probe: Probe) => Promise<T>): Promise<T> {
    const id = `${this.owner}-${randomUUID()}`;
    this.#live.add(id);
    const probe = placesOf(folder, id);
    try {
      await this.sweep(folder);
      await makeStage(probe.stage);
      return await use(probe);
    } finally {
      await this.#remove(folder, id);
      this.#live.delete(id);
    }
  }

  /**
   * Removes leftovers of killed processes from a folder. What cannot be examined or removed stays until the next time.
   */
  async sweep(folder: string): Promise<void> {
    const names = await this.files.readdir(join(folder, RESERVED_NAME)).catch(() => []);
    for (const name of names) {
      const id = name.startsWith(STAGE) ? name.slice(STAGE.length) : '';
      if (ID.test(id) && (await this.#isLeft(folder, id))) await this.#remove(folder, id);
    }
  }

  async #isLeft(folder: string, id: string): Promise<boolean> {
    if (ID.exec(id)?.[1] === this.owner) return !this.#live.has(id);
    const stats = await this.files.lstat(placesOf(folder, id).stage).catch(() => undefined);
    return stats !== undefined && Date.now() - stats.mtimeMs > MAX_AGE_MS;
  }

  /** The stage is removed last: it indicates that there may be something beside the content. */
  async #remove(folder: string, id: string): Promise<void> {
    const { stage, arrival } = placesOf(folder, id);
    try {
      for (const path of [arrival, stage]) await this.files.rm(path, { recursive: true, force: true });
      await this.files.rmdir(join(folder, RESERVED_NAME));
    } catch {
      // Other downloads are in progress there, or the next sweep retries.
    }
  }
}

function placesOf(folder: string, id: string): Probe {
  return { stage: join(folder, RESERVED_NAME, STAGE + id), arrival: join(folder, ARRIVAL + id) };
}
