import { mkdir, readFile, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ManagedProcess } from '@enjambre/harness/managed-process';
import { waitFor } from '@enjambre/harness/wait-for';
import type { Cleanup } from '../cleanup.js';
import { freePort } from './free-port.js';
import { HttpTracker } from './http-tracker.js';
import { spawnAt, type Host, type Team, type TeamInit } from './team.js';

const ON_COMPLETE = fileURLToPath(new URL('../../lab/aria2-done.sh', import.meta.url));
const TIMEOUT_MS = 600_000;

interface Aria2Init {
  readonly after: Cleanup;
  readonly tracker: HttpTracker;
  /** Where it puts files. */
  readonly folder: string;
}

/** A process of aria2, controlled by JSON-RPC. */
class Aria2Peer {
  private constructor(
    readonly process: ManagedProcess,
    readonly folder: string,
    private readonly url: string,
  ) {}

  static async start(
    host: Host,
    { after, tracker, folder }: Aria2Init,
    args: readonly string[],
  ): Promise<Aria2Peer> {
    await mkdir(folder, { recursive: true });
    const [rpcPort, port] = [await freePort(), await freePort()];
    const child = spawnAt(
      host,
      [
        ...([
          'aria2c',
          '--no-conf',
          '--enable-rpc',
          '--rpc-listen-all',
          `--rpc-listen-port=${rpcPort}`,
        ] as const),
        ...[
          `--listen-port=${port}`,
          `--dir=${folder}`,
          '--disable-ipv6',
          `--stop-with-process=${process.pid}`,
        ],
        // The tracker is the only discovery; no encryption, no limits, all peers may connect.
        ...[
          '--enable-dht=false',
          '--enable-dht6=false',
          '--bt-enable-lpd=false',
          '--enable-peer-exchange=false',
        ],
        ...[`--bt-tracker=${tracker.url}`, '--bt-min-crypto-level=plain', '--bt-require-crypto=false'],
        ...['--bt-max-peers=0', '--seed-ratio=0', '--file-allocation=none', '--summary-interval=0'],
        ...['--console-log-level=error', '--allow-overwrite', ...args],
      ],
      { after, env: { NOTES: folder } },
    );
    const peer = new Aria2Peer(child, folder, `http://${host.address}:${rpcPort}/jsonrpc`);
    const answers = (): Promise<boolean> => {
      if (!child.isRunning) throw new Error(`aria2 ended: ${[...child.stdout, ...child.stderr].join('\n')}`);
      return peer.call('getVersion').then(
        () => true,
        () => false,
      );
    };
    await waitFor(answers, { what: 'aria2 to listen' });
    return peer;
  }

  async call(method: string, ...params: readonly unknown[]): Promise<unknown> {
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: `aria2.${method}`, params });
    const response = await fetch(this.url, { method: 'POST', body });
    const { result, error } = (await response.json()) as { result?: unknown; error?: { message: string } };
    if (error) throw new Error(`aria2.${method}: ${error.message}`);
    return result;
  }

  async add(torrent: string, options: Readonly<Record<string, string>> = {}): Promise<string> {
    const content = (await readFile(torrent)).toString('base64');
    return String(await this.call('addTorrent', content, [], options));
  }

  async remove(gid: string): Promise<void> {
    await this.call('forceRemove', gid);
    const gone = async (): Promise<boolean> =>
      ((await this.call('tellStatus', gid, ['status'])) as { status: string }).status !== 'active';
    await waitFor(gone, { what: 'aria2 to remove a download' });
    await this.call('removeDownloadResult', gid);
  }
}

/** A process of aria2 on each host, and a tracker in this process. */
export async function startAria2({ after, root, source, torrent, ...init }: TeamInit): Promise<Team> {
  const tracker = await HttpTracker.start(init.home.address);
  after.defer(() => tracker.stop());
  const seeder = await Aria2Peer.start(init.seeder, { after, tracker, folder: dirname(source) }, []);
  const downloaders = await Promise.all(
    init.downloaders.map((host, index) => {
      const folder = join(root, `downloader-${index + 1}`);
      return Aria2Peer.start(host, { after, tracker, folder }, [`--on-bt-download-complete=${ON_COMPLETE}`]);
    }),
  );
  await seeder.add(torrent, { 'bt-seed-unverified': 'true' });
  await waitFor(() => tracker.hasSeeder, { what: 'the seeder of aria2' });
  const gids = new Map<number, string>();
  const at = (index: number): Aria2Peer => {
    const peer = downloaders[index];
    if (!peer) throw new RangeError(`no downloader ${index}`);
    return peer;
  };
  return {
    seederPid: seeder.process.pid,
    downloaderPids: downloaders.map(({ process }) => process.pid),
    otherPids: [],
    get: async (index) => {
      const gid = await at(index).add(torrent);
      gids.set(index, gid);
      const note = join(at(index).folder, `${gid}.done`);
      const noted = (): Promise<string | undefined> => {
        if (!at(index).process.isRunning) throw new Error('aria2 ended before its download');
        return readFile(note, 'utf8').catch(() => undefined);
      };
      return Number(await waitFor(noted, { what: 'a download of aria2', timeoutMs: TIMEOUT_MS }));
    },
    fileOf: (index) => join(at(index).folder, basename(source)),
    forget: async (index) => {
      const peer = at(index);
      await peer.remove(gids.get(index) ?? '');
      await rm(peer.folder, { recursive: true });
      await mkdir(peer.folder);
    },
    kill: (index) => at(index).process.kill(),
  };
}
