import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ManagedProcess } from '@enjambre/harness/managed-process';
import { choosePieceLength } from '@enjambre/core/piece-length';
import { Cleanup } from '../cleanup.js';
import { HERE, spawnAt, type Host, type Team, type TeamInit } from './team.js';

const DRIVER = fileURLToPath(new URL('../../lab/libtorrent-peer.py', import.meta.url));
/** Debian's Python, which has the package; another may come first in PATH. */
const PYTHON = '/usr/bin/python3';
const TIMEOUT_MS = 600_000;

/** A process of lab/libtorrent-peer.py. */
class LibtorrentPeer {
  /** Number of answers that were read. */
  #seen = 0;

  private constructor(
    readonly process: ManagedProcess,
    readonly endpoint: readonly [string, number],
  ) {}

  static async start(host: Host, after: Cleanup): Promise<LibtorrentPeer> {
    const child = spawnAt(host, [PYTHON, DRIVER, host.address], { after, input: true });
    const port = await child.waitForLog(({ port }) => Number(port) || undefined, 'libtorrent to listen');
    return new LibtorrentPeer(child, [host.address, port]);
  }

  order(order: Readonly<Record<string, unknown>>): void {
    this.process.write(JSON.stringify(order));
  }

  /** Waits for the next `event`. Returns when it happened. */
  async answer(event: string): Promise<number> {
    let index = 0;
    return this.process.waitForLog(
      (entry) => {
        if (index++ < this.#seen) return undefined;
        this.#seen = index;
        if (entry['event'] === 'failed') throw new Error(`libtorrent: ${String(entry['reason'])}`);
        return entry['event'] === event ? Number(entry['at']) : undefined;
      },
      `libtorrent: ${event}`,
      TIMEOUT_MS,
    );
  }
}

/** Creates a v1 torrent for aria2 and libtorrent, with the piece length that Enjambre chooses for `bytes`. */
export async function makeTorrent(path: string, bytes: number, torrent: string): Promise<void> {
  const after = new Cleanup();
  try {
    const peer = await LibtorrentPeer.start(HERE, after);
    peer.order({ order: 'create', path, torrent, piece_length: choosePieceLength(bytes) });
    await peer.answer('created');
  } finally {
    await after.run();
  }
}

/** A process of libtorrent on each host; each receives the addresses of all others. */
export async function startLibtorrent(init: TeamInit): Promise<Team> {
  const { after, torrent, source, root } = init;
  const seeder = await LibtorrentPeer.start(init.seeder, after);
  const downloaders = await Promise.all(init.downloaders.map((host) => LibtorrentPeer.start(host, after)));
  const peers = [seeder, ...downloaders];
  const add = async (peer: LibtorrentPeer, folder: string, seed: boolean): Promise<void> => {
    await mkdir(folder, { recursive: true });
    const others = peers.filter((other) => other !== peer).map(({ endpoint }) => endpoint);
    peer.order({ order: 'add', torrent, folder, seed, peers: seed ? [] : others });
  };
  await add(seeder, dirname(source), true);
  await seeder.answer('added');
  const folderOf = (index: number): string => join(root, `downloader-${index + 1}`);
  const at = (index: number): LibtorrentPeer => {
    const peer = downloaders[index];
    if (!peer) throw new RangeError(`no downloader ${index}`);
    return peer;
  };
  return {
    seederPid: seeder.process.pid,
    downloaderPids: downloaders.map(({ process }) => process.pid),
    otherPids: [],
    get: async (index) => {
      await add(at(index), folderOf(index), false);
      return at(index).answer('finished');
    },
    fileOf: (index) => join(folderOf(index), basename(source)),
    forget: async (index) => {
      at(index).order({ order: 'remove' });
      await at(index).answer('removed');
    },
    kill: (index) => at(index).process.kill(),
  };
}
