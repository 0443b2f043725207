import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Metadata } from '@grpc/grpc-js';
import { TrackerServiceClient, TrackerServiceService } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { formatAddress, parseAddress } from '@enjambre/common/config/address';
import { createLogger } from '@enjambre/common/log/logger';
import { RecordingTracer } from '@enjambre/harness/recording-tracer';
import { waitFor } from '@enjambre/harness/wait-for';
import { activeTraceparent, traceWith } from '@enjambre/common/tracing/tracing';
import { EnjambreError } from '@enjambre/core/error';
import { callUnary } from './client.js';
import { dialer } from '@enjambre/harness/dialer';
import { PLAINTEXT } from './credentials.js';
import { HandlerFactory } from './handlers.js';
import { GrpcServer } from './server.js';

const SERVICE = 'enjambre.tracker.v1.TrackerService';
const PARENT = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`;
const log = createLogger({ name: 'test', level: 'silent' });

let tracer: RecordingTracer;
let server: GrpcServer;
let client: TrackerServiceClient;
/** The active span when a handler was called. */
let seen: (string | undefined)[];

beforeEach(async () => {
  tracer = new RecordingTracer();
  traceWith(tracer);
  seen = [];
  const handlers = new HandlerFactory({ domain: 'test', log });
  const implementation = {
    listFiles: handlers.unary(() => {
      seen.push(activeTraceparent());
      return { files: [], nextPageToken: '' };
    }),
    getFile: handlers.unary(() => {
      throw new EnjambreError('not-found', 'FILE_NOT_FOUND', 'there is none');
    }),
  };
  const services = [{ name: SERVICE, definition: TrackerServiceService, implementation }];
  server = new GrpcServer({ listen: parseAddress('127.0.0.1:0'), credentials: PLAINTEXT, services, log });
  await server.start();
  client = dialer.client(TrackerServiceClient, formatAddress(server.address), 'tracker');
});

afterEach(async () => {
  traceWith(undefined);
  client.close();
  await server.stop();
});

const metadataOf = (traceparent: string): Metadata => {
  const metadata = new Metadata();
  metadata.set('traceparent', traceparent);
  return metadata;
};
const listFiles = (metadata?: Metadata) =>
  callUnary(
    client.listFiles.bind(client),
    { query: '', pageSize: 0, pageToken: '', exactName: false, publisher: '' },
    metadata && { metadata },
  );

describe('a server that is traced', () => {
  test('makes the handling of a call a child of the span in its headers', async () => {
    await listFiles(metadataOf(PARENT));
    const [span] = tracer.spans;
    expect(span).toMatchObject({
      name: `${SERVICE}/ListFiles`,
      options: { kind: 'server', parent: PARENT },
      ended: true,
      error: undefined,
    });
    expect(span?.attributes['rpc.grpc.status_code']).toBe(0);
    expect(seen).toEqual([span?.traceparent]);
  });

  test('records the status of a failed call', async () => {
    const call = callUnary(client.getFile.bind(client), { infohash: '' }, { metadata: metadataOf(PARENT) });
    await expect(call).rejects.toMatchObject({ code: 'not-found' });
    await waitFor(() => tracer.spans[0]?.ended, { what: 'the span to end' });
    expect(tracer.spans[0]).toMatchObject({ error: 'NOT_FOUND' });
  });

  test('does not trace calls without a traceparent, or with an invalid one', async () => {
    await listFiles();
    await listFiles(metadataOf('00-nonsense'));
    await listFiles(metadataOf(`00-${'0'.repeat(32)}-${'b'.repeat(16)}-01`));
    expect(tracer.spans).toEqual([]);
    expect(seen).toEqual([undefined, undefined, undefined]);
  });
});
