import { EnjambreError } from '@enjambre/core/error';
import { Serial } from '@enjambre/common/async/serial';
import type { StoreFactory } from '../ports/store-factory.js';

/** What a download still has to write. */
export interface RoomNeed {
  /** Of what, for people. */
  readonly name: string;
  readonly folder: string;
  readonly bytes: number;
  /** New files and folders. */
  readonly files: number;
}

/** A download that runs, and so has its room. */
export type Running = Pick<RoomNeed, 'folder' | 'bytes'>;

/**
 * Whether there is room for a download beside those that run. One is looked at after the other,
 * so that two do not count on the same bytes. What a quota allows, and what other programs write
 * meanwhile, is found out while it runs.
 */
export class Room {
  readonly #serial = new Serial();

  constructor(private readonly stores: Pick<StoreFactory, 'room'>) {}

  /** Throws `exhausted`, DISK_FULL, with how much there is and is needed. `running` are the others, read when it is its turn. */
  check(need: RoomNeed, running: () => Iterable<Running>): Promise<void> {
    return this.#serial.run(async () => {
      const room = await this.stores.room(need.folder);
      if (!room) return;
      if (need.files > room.files) throw noFiles(need, room.files);
      if (need.bytes > room.bytes) throw noRoom(need, room.bytes, 0);
      const kept = await this.#keptOn(room.device, running());
      if (need.bytes + kept > room.bytes) throw noRoom(need, room.bytes, kept);
    });
  }

  /** Bytes that the others need on a device: each folder is looked at once. One that does not answer is on another. */
  async #keptOn(device: bigint, running: Iterable<Running>): Promise<number> {
    const needs = new Map<string, number>();
    for (const { folder, bytes } of running) needs.set(folder, (needs.get(folder) ?? 0) + bytes);
    const looks = Array.from(needs, async ([folder, bytes]) => {
      const room = await this.stores.room(folder).catch(() => undefined);
      return room?.device === device ? bytes : 0;
    });
    return (await Promise.all(looks)).reduce((sum, bytes) => sum + bytes, 0);
  }
}

function noRoom({ name, folder, bytes }: RoomNeed, free: number, kept: number): EnjambreError {
  const others = kept > 0 ? `, of which other downloads need ${sizeText(kept)}` : '';
  const message = `${name} needs ${sizeText(bytes)} in ${folder}, where ${sizeText(free)} are free${others}: make room and try again, or choose another folder`;
  return new EnjambreError('exhausted', 'DISK_FULL', message, { metadata: { setting: 'outputDir' } });
}

function noFiles({ name, folder, files }: RoomNeed, free: number): EnjambreError {
  const message = `${name} has ${files} files and folders, and the file system of ${folder} takes ${free} more: make room and try again, or choose another folder`;
  return new EnjambreError('exhausted', 'DISK_FULL', message, { metadata: { setting: 'outputDir' } });
}

const UNITS = [
  ['GB', 1e9],
  ['MB', 1e6],
  ['kB', 1e3],
] as const;

/** In decimal units, as people compare them. */
function sizeText(bytes: number): string {
  const [name, size] = UNITS.find(([, least]) => bytes >= least) ?? ['B', 1];
  return `${Number((bytes / size).toFixed(1))} ${name}`;
}
