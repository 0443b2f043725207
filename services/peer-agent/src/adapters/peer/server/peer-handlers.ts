import { infoHashFromBytes } from '@enjambre/core/ids';
import type { ServedService } from '@enjambre/rpc/server';
import type { Limited } from '@enjambre/core/trust/rights';
import { HandlerFactory } from '@enjambre/rpc/handlers';
import type { Logger } from '@enjambre/common/log/logger';
import {
  PeerServiceService,
  type GetMetainfoRequest,
  type GetMetainfoResponse,
  type PeerServiceServer,
} from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import type { ServingDirectory } from '../../../app/upload/serving.js';
import type { Uploads } from '../../../app/upload/uploads.js';
import { FetchServer } from './fetch-server.js';
import { mayGet, unknownInfohash } from '../hello.js';
import { METAINFO_CHUNK_BYTES } from '../wire-constants.js';
import type { SelfDescription } from '../client/peer-link.js';
import { SyncServer } from './sync-server.js';

export interface PeerHandlersComponents {
  readonly directory: ServingDirectory;
  readonly uploads: Uploads;
  readonly self: SelfDescription;
  readonly log: Logger;
}

/** Current load of all uploads of an agent. */
export interface UploadLoad {
  readonly streams: number;
  /** Requests that wait for their turn. */
  readonly waiting: number;
  /** Bytes being read or sent. */
  readonly bytes: number;
}

/** The service that other agents call. */
export function peerService(
  components: PeerHandlersComponents,
): ServedService & { readonly uploadLoad: () => UploadLoad } {
  const handlers = new HandlerFactory({ domain: 'enjambre.peer', log: components.log });
  const sync = new SyncServer({ ...components, handlers });
  const fetch = new FetchServer({ ...components, handlers, sync });
  const implementation: PeerServiceServer = {
    getMetainfo: handlers.serverStream((request, { caller }) =>
      metainfoChunks(components.directory, request, caller?.identity),
    ),
    sync: (call) => {
      sync.accept(call);
    },
    fetch: (call) => {
      fetch.accept(call);
    },
  };
  const uploadLoad = (): UploadLoad => ({ ...components.uploads.load, streams: fetch.streams });
  return { name: 'enjambre.peer.v1.PeerService', definition: PeerServiceService, implementation, uploadLoad };
}

// eslint-disable-next-line @typescript-eslint/require-await -- a generator that answers from memory
async function* metainfoChunks(
  directory: ServingDirectory,
  { infohash }: GetMetainfoRequest,
  holder: Limited | undefined,
): AsyncGenerator<GetMetainfoResponse> {
  const serving = directory.find(infoHashFromBytes(infohash));
  if (!serving || !mayGet(holder, serving)) throw unknownInfohash();
  const { bytes } = serving.metainfo;
  for (let at = 0; at < bytes.length; at += METAINFO_CHUNK_BYTES) {
    yield { totalLength: bytes.length, chunk: bytes.subarray(at, at + METAINFO_CHUNK_BYTES) };
  }
}
