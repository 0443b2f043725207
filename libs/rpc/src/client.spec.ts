import { Server, status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EnjambreError } from '@enjambre/core/error';
import { HealthClient, HealthService } from '@enjambre/proto/gen/grpc/health/v1/health';
import { callUnary, readStream } from './client.js';
import { dialer } from '@enjambre/harness/dialer';
import { PLAINTEXT } from './credentials.js';

/** The end of a call whose stream is reset with CANCEL, as by a killed server of Node 22 and 24. */
const RESET = { code: status.CANCELLED, details: 'Call cancelled' };

let server: Server;
let client: HealthClient;

beforeEach(async () => {
  server = new Server();
  server.addService(HealthService, {
    check: (_call: unknown, callback: (error: object) => void) => {
      callback(RESET);
    },
    watch: (call: { emit(event: 'error', error: object): void }) => {
      call.emit('error', RESET);
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', PLAINTEXT.server, (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  client = dialer.client(HealthClient, `127.0.0.1:${port}`);
});

afterEach(() => {
  client.close();
  server.forceShutdown();
});

async function read(signal?: AbortSignal): Promise<unknown> {
  const call = client.watch({ service: '' });
  for await (const message of readStream(call, signal)) return message;
  return undefined;
}

describe('a call that the server cancels', () => {
  it.each([
    ['a unary one', () => callUnary(client.check.bind(client), { service: '' })],
    ['a stream', () => read()],
  ])('has failed for lack of a server: another may answer (%s)', async (_, call) => {
    await expect(call()).rejects.toMatchObject({ code: 'unavailable', message: 'the server ended the call' });
  });

  it.each([
    [
      'a unary one',
      (signal: AbortSignal) => callUnary(client.check.bind(client), { service: '' }, { signal }),
    ],
    ['a stream', read],
  ])('is none that we cancel ourselves (%s)', async (_, call) => {
    const abort = new AbortController();
    const calling = call(abort.signal);
    abort.abort();
    const error = await calling.then(
      () => undefined,
      (failure: unknown) => EnjambreError.from(failure),
    );
    expect(error?.code).toBe('cancelled');
  });
});
