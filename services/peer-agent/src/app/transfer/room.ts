import { EnjambreError } from '@enjambre/core/error';
import { Serial } from '@enjambre/common/async/serial';
import type { InfoHash } from '@enjambre/core/ids';
import type { StoreFactory } from '../ports/store-factory.js';

/** Space that a download still needs. */
export interface RoomNeed {
  /** Name of the download, for messages. */
  readonly name: string;
  readonly folder: string;
  readonly bytes: number;
  /** New files and folders. */
  readonly files: number;
}

/** An active download, whose remaining space is reserved. */
export type Running = Pick<RoomNeed, 'folder' | 'bytes'>;

/** All active downloads except one, with the space that they still need. */
export function* runningBeside(
  infohash: InfoHash,
  transfers: Iterable<{ readonly infohash: InfoHash; readonly need: Running | undefined }>,
): Iterable<Running> {
  for (const { infohash: other, need } of transfers) if (need && other !== infohash) yield need;
}

/**
 * Checks that the disk has room for a download in addition to the active ones. Checks run one at a time, so that two
 * downloads do not count on the same bytes. Quotas and writes of other programs only show while the download runs.
 */
export class Room {
  readonly #serial = new Serial();

  constructor(private readonly stores: Pick<StoreFactory, 'room'>) {}

  /** Throws `exhausted` DISK_FULL. `running` yields the other active downloads at the time of the check. */
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

  /** Bytes reserved on a device. Queries each folder once; one that does not respond counts as another device. */
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
  const message = `${name} has ${files} files and folders, but the file system of ${folder} has room for ${free} more: make room and try again, or choose another folder`;
  return new EnjambreError('exhausted', 'DISK_FULL', message, { metadata: { setting: 'outputDir' } });
}

const UNITS = [
  ['GB', 1e9],
  ['MB', 1e6],
  ['kB', 1e3],
] as const;

/** In decimal units, with at most one decimal place. */
function sizeText(bytes: number): string {
  const [name, size] = UNITS.find(([, least]) => bytes >= least) ?? ['B', 1];
  return `${Number((bytes / size).toFixed(1))} ${name}`;
}
