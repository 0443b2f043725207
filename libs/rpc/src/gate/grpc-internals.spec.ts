import { createServer } from 'node:http2';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { describe, expect, it } from '@jest/globals';
import { HealthService } from '@enjambre/proto/gen/grpc/health/v1/health';
import { addHttp2Options, http2ServerOf, methodsOf, takeStreams } from './grpc-internals.js';

function served(): Server {
  const server = new Server();
  server.addService(HealthService, {});
  return server;
}

describe('what this version of grpc-js does not export', () => {
  it('is found: its methods, the HTTP/2 server of its injector, and how that serves a stream', () => {
    const server = served();
    addHttp2Options(server, { maxHeaderListPairs: 64 });
    server.createConnectionInjector(ServerCredentials.createInsecure());
    expect(methodsOf(server).get('/grpc.health.v1.Health/Watch')?.type).toBe('serverStream');
    const http2 = http2ServerOf(server);
    const serve = takeStreams(http2, () => undefined);
    expect(typeof serve).toBe('function');
    expect(http2.listenerCount('stream')).toBe(1);
  });

  it('is an error when it is missing: a server without its gate does not start', () => {
    const other = Object.create(null) as Server;
    expect(() => addHttp2Options(other, {})).toThrow('hides the options of its HTTP/2 server');
    expect(() => methodsOf(other)).toThrow('hides its methods');
    expect(() => methodsOf(new Server())).toThrow('hides its methods');
    expect(() => http2ServerOf(served())).toThrow('hides its HTTP/2 server');
    expect(() => takeStreams(createServer(), () => undefined)).toThrow('hides how it serves a stream');
  });
});
