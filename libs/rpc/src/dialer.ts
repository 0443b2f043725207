import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import type { ChannelCredentials, ChannelOptions, Client, ClientOptions } from '@grpc/grpc-js';
import { parseTcpAddress } from '@enjambre/common/config/address';
import type { Metrics } from '@enjambre/common/metrics/metrics';
import { CallCounts, countMade } from './call-metrics.js';
import type { CallObserver } from './call-observer.js';
import { credentialsAt, type Credentials, type Expected } from './credentials.js';
import { Http2Channel } from './http2/channel.js';
import { Http2Connection } from './http2/connection.js';
import { MadeCalls } from './made-calls.js';
import { targetOf } from './scoped-target.js';

/** Options of every channel: no proxies, quick detection of a lost server, quick retries. */
const CHANNEL_OPTIONS: ChannelOptions = {
  'grpc.enable_http_proxy': 0,
  'grpc.keepalive_time_ms': 4000,
  'grpc.keepalive_timeout_ms': 3000,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 2000,
  'grpc.enable_channelz': 0,
};

/** The constructor of a generated client. */
export type ClientConstructor<C extends Client> = new (
  address: string,
  credentials: ChannelCredentials,
  options?: Partial<ClientOptions>,
) => C;

export interface DialerInit {
  readonly credentials: Credentials;
  /** Metrics that count the calls of its clients. @default none */
  readonly metrics?: Metrics | undefined;
  /** Sees the calls of its clients. @default none */
  readonly observer?: CallObserver | undefined;
}

/**
 * Opens every outgoing connection of a program. Parts that call servers receive the dialer; only the dialer
 * has the credentials.
 */
export class Dialer {
  readonly #init: DialerInit;
  readonly #credentials: Credentials;
  readonly #calls: MadeCalls;

  constructor(init: DialerInit) {
    const { credentials, metrics, observer } = init;
    this.#init = init;
    this.#credentials = credentials;
    this.#calls = new MadeCalls([
      ...(metrics ? [countMade(new CallCounts(metrics, 'client'))] : []),
      ...(observer ? [observer] : []),
    ]);
  }

  /** The same dialer, whose calls `observer` sees. */
  observedBy(observer: CallObserver): Dialer {
    return new Dialer({ ...this.#init, observer });
  }

  /**
   * Creates a client of a generated service, on grpc-js. It connects with its first call. The caller closes
   * it.
   *
   * @param address "HOST:PORT" or "unix:PATH"
   * @param expected who must answer there; not checked on a unix socket
   */
  client<C extends Client>(
    Constructor: ClientConstructor<C>,
    address: string,
    expected: Expected,
    options: ChannelOptions = {},
  ): C {
    const { channel, channelOptions } = credentialsAt(address, this.#credentials);
    return new Constructor(targetOf(address), channel(expected), {
      ...CHANNEL_OPTIONS,
      ...channelOptions,
      interceptors: this.#calls.interceptors(),
      ...options,
    });
  }

  /**
   * Opens a connection of our own HTTP/2 client, for streams with blocks or many small messages
   * (docs/adr/0009-data-plane.md). It connects at once. The caller closes it.
   *
   * @param endpoint "HOST:PORT"
   */
  channel(endpoint: string, expected: Expected): Http2Channel {
    return new Http2Channel(new Http2Connection(endpoint, expected, this.#credentials), this.#calls);
  }

  /**
   * Opens a session of Node's HTTP/2 client, for benchmarks and tests that write frames themselves. Its calls
   * are not counted.
   *
   * @param endpoint "HOST:PORT"
   */
  session(endpoint: string, expected: Expected): ClientHttp2Session {
    const { scheme, connect } = this.#credentials;
    const { host, port } = parseTcpAddress(endpoint);
    return connectHttp2(`${scheme}://${endpoint}`, {
      createConnection: () => connect({ host, port }, expected),
    });
  }
}
