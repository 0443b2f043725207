import { Server, status } from '@grpc/grpc-js';
import { DECRYPTED } from './credentials.js';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EnjambreError } from '@enjambre/core/error';
import { HealthClient, HealthService } from '@enjambre/proto/gen/grpc/health/v1/health';
import { callUnary, readStream } from './client.js';
import { dialer } from '@enjambre/harness/dialer';
import { toServiceError } from './status.js';

/** The end of a call whose stream is reset with CANCEL, as by a killed server of Node 22 and 24. */
const RESET = { code: status.CANCELLED, details: 'Call cancelled' };

/** A refusal by a server of ours, before the call begins. */
function refused(retryAfterMs: number): object {
  const error = new EnjambreError('exhausted', 'TOO_MANY_CALLS', 'too many calls', { retryAfterMs });
  return toServiceError(error, 'enjambre.rpc');
}

const REFUSED = refused(20);
const LATER = refused(60_000);

/** With which the calls of Check fail, one after the other. */
let errors: object[];
let server: Server;
let client: HealthClient;

beforeEach(async () => {
  errors = [];
  server = new Server();
  server.addService(HealthService, {
    check: (_call: unknown, callback: (error: object | null, answer?: object) => void) => {
      const error = errors.shift();
      if (error) callback(error);
      else callback(null, { status: 1 });
    },
    watch: (call: { emit(event: 'error', error: object): void }) => {
      call.emit('error', RESET);
    },
  });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', DECRYPTED, (error, bound) => {
      if (error) reject(error);
      else resolve(bound);
    });
  });
  client = dialer.client(HealthClient, `127.0.0.1:${port}`, 'member');
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
    [
      'a unary one',
      () => {
        errors = [RESET];
        return callUnary(client.check.bind(client), { service: '' });
      },
    ],
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

describe('a call that the server refuses because there are too many', () => {
  it('is repeated until it is answered', async () => {
    errors = [REFUSED, REFUSED];
    expect(await callUnary(client.check.bind(client), { service: '' })).toMatchObject({ status: 1 });
  });

  it('fails with the refusal if there is no time for another', async () => {
    errors = [LATER];
    await expect(callUnary(client.check.bind(client), { service: '' })).rejects.toMatchObject({
      code: 'exhausted',
      reason: 'TOO_MANY_CALLS',
    });
  });

  it('is not repeated once it is cancelled', async () => {
    errors = [LATER];
    const abort = new AbortController();
    const calling = callUnary(
      client.check.bind(client),
      { service: '' },
      { signal: abort.signal, timeoutMs: 600_000 },
    );
    setTimeout(() => {
      abort.abort();
    }, 50);
    await expect(calling).rejects.toMatchObject({ code: 'cancelled' });
  });
});
