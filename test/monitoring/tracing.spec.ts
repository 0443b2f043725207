import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { finish, ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { waitFor } from '@enjambre/harness/wait-for';
import { MIB, shareFile } from '../e2e/support/sharing.js';
import { TraceCollector, type CollectedSpan } from './trace-collector.js';

jest.setTimeout(120_000);

let swarm: ProcessSwarm;
let collector: TraceCollector;

beforeEach(async () => {
  collector = await TraceCollector.start();
  swarm = await ProcessSwarm.create();
  swarm.add(collector);
});

afterEach(() => swarm.stop());

/** Environment of a traced process. */
const settings = (protocol: string): Record<string, string> => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
  OTEL_EXPORTER_OTLP_PROTOCOL: protocol,
  OTEL_BSP_SCHEDULE_DELAY: '100',
});

const runTraced = (agent: SwarmAgent, args: readonly string[], env: Record<string, string>) =>
  finish(swarm.run([...args, '--agent', `unix:${agent.dataDir}/agent.sock`], { env }));

const named =
  (service: string, name: string | RegExp) =>
  (span: CollectedSpan): boolean =>
    span.service === service && (typeof name === 'string' ? span.name === name : name.test(span.name));

describe('a traced swarm', () => {
  test('one trace spans the command, its agent, the tracker and the peer that has the file', async () => {
    const env = settings('http/json');
    const tracker = await swarm.startTracker([], { env });
    const alice = await swarm.startAgent('alice', [], { env });
    const bob = await swarm.startAgent('bob', [], { env });
    const { infohash } = await shareFile(swarm, [alice], { name: 'traced.bin', bytes: 4 * MIB });
    const { code } = await runTraced(bob, ['get', infohash, '--json'], env);
    expect(code).toBe(0);
    // Sessions end a moment after the download.
    const wanted = [
      named('enjambre-cli', 'enjambre get'),
      named('enjambre-cli', 'enjambre.agent.v1.AgentService/Download'),
      named('enjambre-agent', 'enjambre.agent.v1.AgentService/Download'),
      named('enjambre-agent', /^download [0-9a-f]{8}/),
      named('enjambre-agent', 'fetch metainfo'),
      named('enjambre-agent', 'tracker watch'),
      named('enjambre-tracker', 'tracker watch'),
      named('enjambre-agent', 'enjambre.peer.v1.PeerService/GetMetainfo'),
      named('enjambre-agent', 'peer session'),
      named('enjambre-agent', 'enjambre.peer.v1.PeerService/Sync'),
    ];
    const root = await waitFor(() => collector.spans.find(wanted[0] ?? (() => false)), {
      what: 'the span of the command',
    });
    const missing = () => wanted.filter((is) => !collector.of(root.traceId).some(is)).length;
    await waitFor(() => missing() === 0, { what: 'all spans of the trace' });
    // Processes export spans independently: those of the other ends, and parents, may arrive later.
    const isSync = named('enjambre-agent', 'enjambre.peer.v1.PeerService/Sync');
    const orphans = () => {
      const spans = collector.of(root.traceId);
      const ids = new Set(spans.map(({ spanId }) => spanId));
      return spans.filter((span) => span !== root && !ids.has(span.parentSpanId));
    };
    await waitFor(() => collector.of(root.traceId).filter(isSync).length >= 2 && orphans().length === 0, {
      what: 'both ends of the Sync stream, and the parent of each span',
      seen: () => ({ orphans: orphans(), spans: collector.of(root.traceId).map(({ name }) => name) }),
    });
    const spans = collector.of(root.traceId);
    // Both ends of a call between agents: downloader and seeder.
    const sync = spans.filter(isSync);
    expect(sync.length).toBeGreaterThanOrEqual(2);
    expect(sync.some(({ parentSpanId }) => sync.some(({ spanId }) => spanId === parentSpanId))).toBe(true);
    // The trace is one tree: every span except the command's has its parent in it.
    expect(root.parentSpanId).toBe('');
    expect(orphans()).toEqual([]);
    const session = spans.find(named('enjambre-agent', 'peer session'));
    expect(session?.attributes['enjambre.received_bytes']).toBe(String(4 * MIB));
    // The tracker's log line can be found by the trace id.
    const line = await tracker.waitForLog(
      (entry) => (entry['trace_id'] === root.traceId ? entry : undefined),
      'a line of the trace in the log of the tracker',
    );
    expect(line['span_id']).toMatch(/^[0-9a-f]{16}$/);
  });

  test('spans are exported as protobuf by default', async () => {
    const { OTEL_EXPORTER_OTLP_ENDPOINT = '' } = settings('');
    await swarm.startTracker();
    const alice = await swarm.startAgent('alice');
    const { code } = await runTraced(alice, ['ls'], { OTEL_EXPORTER_OTLP_ENDPOINT });
    expect(code).toBe(0);
    expect(collector.others).toEqual([
      { type: 'application/x-protobuf', bytes: expect.any(Number) as unknown as number },
    ]);
  });

  test('an unreachable collector causes no failures', async () => {
    await swarm.startTracker();
    const alice = await swarm.startAgent('alice');
    const env = settings('http/json');
    await collector.stop();
    const { code, stderr } = await runTraced(alice, ['ls', '--quiet'], env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  });

  test('an unknown exporter stops the start, and the error names it', async () => {
    const env = { OTEL_TRACES_EXPORTER: 'zipkin' };
    const { code, stderr } = await finish(swarm.run(['tracker', '--listen', '127.0.0.1:0'], { env }));
    expect({ code, stderr }).toEqual({
      code: 2,
      stderr: 'enjambre: OTEL_TRACES_EXPORTER: "zipkin" is not supported: use otlp or none',
    });
  });
});

test('without OTEL variables no traces are sent, and the SDK is not loaded', async () => {
  await swarm.startTracker();
  const alice = await swarm.startAgent('alice');
  const bob = await swarm.startAgent('bob', [], { env: { NODE_DEBUG: 'esm' } });
  const { infohash } = await shareFile(swarm, [alice], { name: 'plain.bin', bytes: MIB });
  expect((await swarm.command(bob, ['get', infohash])).code).toBe(0);
  expect(collector.spans).toEqual([]);
  const loaded = bob.process.stderr.filter((line) => line.includes('node_modules'));
  expect(loaded.some((line) => line.includes('@grpc/grpc-js'))).toBe(true);
  expect(loaded.filter((line) => line.includes('@opentelemetry') || line.includes('prom-client'))).toEqual(
    [],
  );
});
