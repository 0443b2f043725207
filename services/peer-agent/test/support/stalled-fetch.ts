import { once } from 'node:events';
import type { ClientHttp2Session, ClientHttp2Stream, IncomingHttpHeaders } from 'node:http2';
import { dialer } from '@enjambre/harness/dialer';
import { FetchRequest } from '@enjambre/proto/gen/enjambre/peer/v1/peer';

/**
 * A Fetch stream whose downloader reads nothing. Not a gRPC client: grpc-js reads ahead without bound, so that the
 * uploader would never notice.
 */
export class StalledFetch {
  readonly #session: ClientHttp2Session;
  readonly #stream: ClientHttp2Stream;
  /** Resolves when the uploader has accepted the hello. */
  readonly opened: Promise<unknown>;

  constructor(endpoint: string) {
    this.#session = dialer.session(endpoint, 'agent');
    this.#stream = this.#session.request({
      ':method': 'POST',
      ':path': '/enjambre.peer.v1.PeerService/Fetch',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    this.#session.on('error', () => undefined);
    this.#stream.on('error', () => undefined);
    this.opened = once(this.#stream, 'response');
    this.opened.catch(() => undefined);
    this.#stream.pause();
  }

  say(...messages: NonNullable<FetchRequest['message']>[]): this {
    for (const message of messages) {
      const bytes = FetchRequest.encode({ message }).finish();
      const frame = Buffer.alloc(5 + bytes.length);
      frame.writeUInt32BE(bytes.length, 1);
      frame.set(bytes, 5);
      this.#stream.write(frame);
    }
    return this;
  }

  /** Reads everything. Resolves with the status code and message at the end. */
  end(): Promise<{ status: number; message: string }> {
    return new Promise((resolve) => {
      this.#stream.on('trailers', (trailers: IncomingHttpHeaders) => {
        const message = decodeURIComponent(String(trailers['grpc-message']));
        resolve({ status: Number(trailers['grpc-status']), message });
      });
      this.#stream.resume();
    });
  }

  close(): void {
    this.#session.destroy();
  }
}
