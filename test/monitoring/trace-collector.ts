import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A span as received by a collector, with the name of its service. */
export interface CollectedSpan {
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the first of a trace. */
  readonly parentSpanId: string;
  readonly attributes: Readonly<Record<string, string>>;
}

interface WireAttribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string; readonly intValue?: string | number };
}

interface WireSpan {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly attributes?: readonly WireAttribute[];
}

/** OTLP as JSON: opentelemetry/proto/collector/trace/v1. */
interface ExportRequest {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly WireAttribute[] };
    readonly scopeSpans: readonly { readonly spans: readonly WireSpan[] }[];
  }[];
}

/** Receives spans over OTLP/HTTP, as JSON, and stores them. */
export class TraceCollector {
  readonly spans: CollectedSpan[] = [];
  /** Bytes of requests that are not JSON, such as protobuf. */
  readonly others: { readonly type: string; readonly bytes: number }[] = [];

  private constructor(private readonly server: Server) {}

  static async start(): Promise<TraceCollector> {
    const server = createServer();
    const collector = new TraceCollector(server);
    server.on('request', (request, response) => {
      void collector.#take(request).finally(() => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end('{}');
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return collector;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }

  /** The spans of one trace. */
  of(traceId: string): CollectedSpan[] {
    return this.spans.filter((span) => span.traceId === traceId);
  }

  async #take(request: IncomingMessage): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const type = request.headers['content-type'] ?? '';
    if (type !== 'application/json') {
      this.others.push({ type, bytes: body.length });
      return;
    }
    for (const { resource, scopeSpans } of (JSON.parse(body.toString()) as ExportRequest).resourceSpans) {
      const service = attributesOf(resource.attributes)['service.name'] ?? '';
      for (const { spans } of scopeSpans)
        for (const { attributes = [], parentSpanId = '', ...span } of spans)
          this.spans.push({ service, ...span, parentSpanId, attributes: attributesOf(attributes) });
    }
  }
}

function attributesOf(list: readonly WireAttribute[]): Record<string, string> {
  return Object.fromEntries(
    list.map(({ key, value }) => [key, String(value.stringValue ?? value.intValue ?? '')]),
  );
}
