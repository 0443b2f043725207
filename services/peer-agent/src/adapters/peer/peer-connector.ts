import { AsyncResource } from 'node:async_hooks';
import { EnjambreError } from '@enjambre/core/error';
import { infoHashToBytes, type InfoHash } from '@enjambre/core/ids';
import type { Metainfo } from '@enjambre/core/metainfo';
import { parseMetainfo } from '@enjambre/core/metainfo-parse';
import { connect, readStream } from '@enjambre/common/grpc/client';
import {
  PeerServiceClient,
  type FetchResponse,
  type SyncResponse,
} from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import type { LinkListener, PeerAddress, PeerConnector, PeerLink } from '../../app/ports.js';
import { BlockMemory } from '../disk/block-memory.js';
import { GrpcPeerLink, type HelloSigner, type LinkTarget, type SelfDescription } from './peer-link.js';
import { MAX_MESSAGE_BYTES } from './limits.js';
import type { StreamListener } from './message-stream.js';
import { UploaderConnections } from './uploader.js';

const MAX_METAINFO_BYTES = 10 << 20;
/** The longest that one may take to come, however slow the way: who sends too little is left by {@link MetainfoRace}. */
const METAINFO_TIMEOUT_MS = 15 * 60_000;

interface Uploader {
  readonly connections: UploaderConnections;
  users: number;
}

/** Opens links; those to the same uploader share connections, which are closed when nobody uses them. */
export class GrpcPeerConnector implements PeerConnector {
  readonly #uploaders = new Map<string, Uploader>();

  /** @param memory for the blocks that come */
  constructor(
    private readonly self: SelfDescription,
    private readonly signer: HelloSigner,
    private readonly memory = new BlockMemory(),
  ) {}

  open(peer: PeerAddress, what: Omit<LinkTarget, 'peer'>, listener: LinkListener): PeerLink {
    const { connections } = this.#acquire(peer.endpoint);
    const parts = {
      openSync: (sync: StreamListener<SyncResponse>) => connections.openSync(sync),
      // It is opened when the uploader answers, as a part of what the link is a part of.
      openFetch: AsyncResource.bind((fetch: StreamListener<FetchResponse>) => connections.openFetch(fetch)),
      self: this.self,
      signer: this.signer,
      listener,
      ended: (): void => {
        this.#release(peer.endpoint);
      },
    };
    return new GrpcPeerLink(parts, { ...what, peer });
  }

  async fetchMetainfo(
    peer: PeerAddress,
    infohash: InfoHash,
    signal: AbortSignal,
    progress: (bytes: number, total: number) => void = () => undefined,
  ): Promise<Metainfo> {
    const client = connect(PeerServiceClient, peer.endpoint, {
      'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    });
    try {
      const call = client.getMetainfo(
        { infohash: infoHashToBytes(infohash) },
        { deadline: Date.now() + METAINFO_TIMEOUT_MS },
      );
      const chunks: Buffer[] = [];
      let size = 0;
      for await (const { totalLength, chunk } of readStream(call, signal)) {
        size += chunk.length;
        if (size > MAX_METAINFO_BYTES || size > totalLength) throw badMetainfo('is longer than it may be');
        chunks.push(Buffer.from(chunk));
        progress(size, totalLength);
      }
      const metainfo = parseMetainfo(Buffer.concat(chunks));
      if (metainfo.infohash !== infohash) throw badMetainfo('is that of another file');
      return metainfo;
    } finally {
      client.close();
    }
  }

  #acquire(endpoint: string): Uploader {
    let uploader = this.#uploaders.get(endpoint);
    if (!uploader) {
      const memoryFor = (bytes: number): Buffer => this.memory.take(bytes);
      uploader = { connections: new UploaderConnections(endpoint, memoryFor), users: 0 };
      this.#uploaders.set(endpoint, uploader);
    }
    uploader.users += 1;
    return uploader;
  }

  #release(endpoint: string): void {
    const uploader = this.#uploaders.get(endpoint);
    if (!uploader) return;
    uploader.users -= 1;
    if (uploader.users > 0) return;
    this.#uploaders.delete(endpoint);
    uploader.connections.close();
  }
}

function badMetainfo(fault: string): EnjambreError {
  return new EnjambreError('invalid', 'BAD_METAINFO', `the metainfo ${fault}`);
}
