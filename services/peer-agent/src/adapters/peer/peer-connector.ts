import { EnjambreError } from '@enjambre/core/error';
import { infoHashToBytes, type InfoHash } from '@enjambre/core/ids';
import type { Metainfo } from '@enjambre/core/metainfo';
import { parseMetainfo } from '@enjambre/core/metainfo-parse';
import { connect, readStream } from '@enjambre/common/grpc/client';
import { PeerServiceClient } from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import type { LinkListener, PeerAddress, PeerConnector, PeerLink } from '../../app/ports.js';
import { GrpcPeerLink, type HelloSigner, type LinkTarget, type SelfDescription } from './peer-link.js';
import { MAX_MESSAGE_BYTES } from './limits.js';

/** Bytes flow from server to client, and only the client can widen its window (docs/protocol.md). */
const FLOW_CONTROL_WINDOW = 8 << 20;
const MAX_METAINFO_BYTES = 10 << 20;
const METAINFO_TIMEOUT_MS = 30_000;

/** One client, and so one connection, for each uploader; closed when nobody uses it. */
export class GrpcPeerConnector implements PeerConnector {
  readonly #clients = new Map<string, { readonly client: PeerServiceClient; users: number }>();

  constructor(
    private readonly self: SelfDescription,
    private readonly signer: HelloSigner,
  ) {}

  open(peer: PeerAddress, what: Omit<LinkTarget, 'peer'>, listener: LinkListener): PeerLink {
    const client = this.#acquire(peer.endpoint);
    const ended = (): void => {
      this.#release(peer.endpoint);
    };
    return new GrpcPeerLink(
      { client, self: this.self, signer: this.signer, listener, ended },
      { ...what, peer },
    );
  }

  async fetchMetainfo(peer: PeerAddress, infohash: InfoHash, signal: AbortSignal): Promise<Metainfo> {
    const client = this.#acquire(peer.endpoint);
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

  #acquire(endpoint: string): PeerServiceClient {
    let entry = this.#clients.get(endpoint);
    if (!entry) {
      const client = connect(PeerServiceClient, endpoint, {
        'grpc-node.flow_control_window': FLOW_CONTROL_WINDOW,
        'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
      });
      entry = { client, users: 0 };
      this.#clients.set(endpoint, entry);
    }
    entry.users += 1;
    return entry.client;
  }

  #release(endpoint: string): void {
    const entry = this.#clients.get(endpoint);
    if (!entry) return;
    entry.users -= 1;
    if (entry.users > 0) return;
    this.#clients.delete(endpoint);
    entry.client.close();
  }
}

function badMetainfo(fault: string): EnjambreError {
  return new EnjambreError('invalid', 'BAD_METAINFO', `the metainfo ${fault}`);
}
