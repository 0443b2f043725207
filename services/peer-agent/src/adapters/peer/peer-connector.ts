import { EnjambreError } from '@enjambre/core/error';
import { infoHashToBytes, type InfoHash } from '@enjambre/core/ids';
import type { Metainfo } from '@enjambre/core/metainfo';
import { parseMetainfo } from '@enjambre/core/metainfo-parse';
import { connect, readStream } from '@enjambre/common/grpc/client';
import { PeerServiceClient } from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import type { LinkListener, PeerAddress, PeerConnector, PeerLink } from '../../app/ports.js';
import { BlockMemory } from '../disk/block-memory.js';
import { Http2Connection } from '../http2/connection.js';
import { BulkStream, type BulkListener } from './bulk-stream.js';
import { GrpcPeerLink, type HelloSigner, type LinkTarget, type SelfDescription } from './peer-link.js';
import { MAX_MESSAGE_BYTES } from './limits.js';

const MAX_METAINFO_BYTES = 10 << 20;
const METAINFO_TIMEOUT_MS = 30_000;

interface Uploader {
  readonly client: PeerServiceClient;
  /** For blocks; opened with the first Fetch stream, and again if it broke. */
  bulk: Http2Connection | undefined;
  users: number;
}

/** Two connections for each uploader, one for small messages and one for blocks; closed when nobody uses them. */
export class GrpcPeerConnector implements PeerConnector {
  readonly #uploaders = new Map<string, Uploader>();

  /** @param memory for the blocks that come */
  constructor(
    private readonly self: SelfDescription,
    private readonly signer: HelloSigner,
    private readonly memory = new BlockMemory(),
  ) {}

  open(peer: PeerAddress, what: Omit<LinkTarget, 'peer'>, listener: LinkListener): PeerLink {
    const uploader = this.#acquire(peer.endpoint);
    const ended = (): void => {
      this.#release(peer.endpoint);
    };
    const openFetch = (bulk: BulkListener): BulkStream => this.#openFetch(peer.endpoint, uploader, bulk);
    return new GrpcPeerLink(
      { client: uploader.client, openFetch, self: this.self, signer: this.signer, listener, ended },
      { ...what, peer },
    );
  }

  async fetchMetainfo(peer: PeerAddress, infohash: InfoHash, signal: AbortSignal): Promise<Metainfo> {
    const { client } = this.#acquire(peer.endpoint);
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
      }
      const metainfo = parseMetainfo(Buffer.concat(chunks));
      if (metainfo.infohash !== infohash) throw badMetainfo('is that of another file');
      return metainfo;
    } finally {
      this.#release(peer.endpoint);
    }
  }

  #openFetch(endpoint: string, uploader: Uploader, listener: BulkListener): BulkStream {
    if (!uploader.bulk?.isOpen) uploader.bulk = new Http2Connection(endpoint);
    const memoryFor = (bytes: number): Buffer => this.memory.take(bytes);
    return new BulkStream({ connection: uploader.bulk, memoryFor }, listener);
  }

  #acquire(endpoint: string): Uploader {
    let uploader = this.#uploaders.get(endpoint);
    if (!uploader) {
      const client = connect(PeerServiceClient, endpoint, {
        'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
      });
      uploader = { client, bulk: undefined, users: 0 };
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
    uploader.client.close();
    uploader.bulk?.close();
  }
}

function badMetainfo(fault: string): EnjambreError {
  return new EnjambreError('invalid', 'BAD_METAINFO', `the metainfo ${fault}`);
}
