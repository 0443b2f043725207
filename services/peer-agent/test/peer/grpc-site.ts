import { jest } from '@jest/globals';
import { PeerIdentity } from '@enjambre/common/identity/identity';
import { dialer } from '@enjambre/harness/dialer';
import { EndpointGuard } from '../../src/adapters/peer/client/endpoint-guard.js';
import { GrpcPeerConnector } from '../../src/adapters/peer/client/peer-connector.js';
import type { PeerAddress } from '../../src/app/ports/peers.js';
import type { Serving } from '../../src/app/upload/serving.js';
import { Uploads } from '../../src/app/upload/uploads.js';
import { UNLIMITED } from '../../src/domain/limits/byte-bucket.js';
import { TestFolder } from '../support/folder.js';
import { HostileUploader } from '../support/hostile-uploader.js';
import { Uploader } from '../support/uploader.js';
import { CONTENT, type SwarmSite, type UploaderSite } from './contract.js';

type UploadEvent = Parameters<Uploads['handle']>[0];

/** Real connections between the agent's connector and its peer server. */
export class GrpcSite implements SwarmSite {
  readonly #spy = jest.spyOn(Uploads.prototype, 'handle');
  readonly #stops: (() => unknown)[] = [];

  private constructor(private readonly path: string) {
    // The spy records the call and runs the method.
    this.#stops.push(() => this.#spy.mockRestore());
  }

  static async make(): Promise<GrpcSite> {
    const folder = await TestFolder.make();
    const site = new GrpcSite(await folder.write('file.bin', CONTENT.data));
    site.#stops.push(() => folder.remove());
    return site;
  }

  connector(): GrpcPeerConnector {
    const signer = PeerIdentity.generate();
    const self = { peerId: signer.peerId, name: 'downloader', version: 'test' };
    const guard = new EndpointGuard({ servers: () => [], trackerIsHere: () => true });
    const connector = new GrpcPeerConnector({ self, signer, dialer, guard });
    this.#stops.push(() => connector.close());
    return connector;
  }

  async uploader(name: string, has?: readonly number[]): Promise<UploaderSite> {
    const uploader = await Uploader.start(CONTENT.metainfo, this.path, { name, ...(has && { has }) });
    let stopped: Promise<void> | undefined;
    const stop = (): Promise<void> => (stopped ??= uploader.stop());
    this.#stops.push(stop);
    const { serving, reads } = uploader;
    return {
      address: uploader.named(),
      gain: (...pieces) => {
        for (const piece of pieces) {
          uploader.have.set(piece);
          serving.verified(piece);
        }
        serving.tellNow();
      },
      hold: () => reads.hold(),
      release: () => reads.release(),
      withdraw: () => serving.stop('the file is no longer served'),
      kill: stop,
      links: () => this.#linksTo(serving),
      known: () => this.#knownTo(serving),
      bytesPerSecond: () => this.#paceOf(serving),
    };
  }

  async informant(name: string, bytes?: Buffer): Promise<PeerAddress> {
    const uploader = await HostileUploader.start(name, CONTENT, {
      metainfo: (call) => {
        if (!bytes) return;
        call.write({ totalLength: bytes.length, chunk: bytes });
        call.end();
      },
    });
    this.#stops.push(() => uploader.stop());
    return uploader.address;
  }

  async close(): Promise<void> {
    for (const stop of this.#stops.splice(0).reverse()) await stop();
  }

  /** Calls received by the uploads of all servers. */
  get #heard(): UploadEvent[] {
    return this.#spy.mock.calls.map(([event]) => event);
  }

  #linksTo(serving: Serving): number {
    const count = (type: 'downloader-joined' | 'downloader-left'): number =>
      this.#heard.filter((event) => event.type === type && event.downloader.serving === serving).length;
    return count('downloader-joined') - count('downloader-left');
  }

  #knownTo(serving: Serving): number[] {
    return this.#heard.flatMap((event) => {
      if (event.type === 'downloader-bitfield' && event.downloader.serving === serving)
        return [...event.has.indexes()];
      return event.type === 'downloader-has' && event.downloader.serving === serving ? event.pieces : [];
    });
  }

  #paceOf(serving: Serving): number {
    const paces = this.#heard.flatMap((event) =>
      event.type === 'stream-paced' && event.stream.downloader.serving === serving
        ? [event.bytesPerSecond]
        : [],
    );
    return paces.at(-1) ?? UNLIMITED;
  }
}
