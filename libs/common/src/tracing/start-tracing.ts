import { EnjambreError } from '@enjambre/core/error';
import type { Environment } from '../config/options.js';
import { VERSION } from '../version.js';
import { traceWith } from './tracing.js';

/** Default timeout of an export, and so of process exit, when the collector does not answer. */
const EXPORT_TIMEOUT_MS = 2000;
const PROTOCOLS = ['http/protobuf', 'http/json'] as const;

type Protocol = (typeof PROTOCOLS)[number];

/** Ends tracing and exports the remaining spans. */
export type EndTracing = () => Promise<void>;

/**
 * Traces this process if the environment names a destination: OTEL_EXPORTER_OTLP_ENDPOINT or
 * OTEL_TRACES_EXPORTER=otlp, and the other variables of the OpenTelemetry SDK. Otherwise the SDK is not
 * loaded. Throws `invalid`, BAD_OPTION.
 *
 * @param service its name in traces, unless OTEL_SERVICE_NAME is set
 */
export async function startTracing(service: string, environment: Environment): Promise<EndTracing> {
  const protocol = protocolOf(environment);
  if (!protocol) return () => Promise.resolve();
  const [
    sdk,
    { detectResources, envDetector, resourceFromAttributes },
    { OTLPTraceExporter },
    { OtelTracer },
  ] = await Promise.all([
    import('@opentelemetry/sdk-trace-node'),
    import('@opentelemetry/resources'),
    protocol === 'http/json'
      ? import('@opentelemetry/exporter-trace-otlp-http')
      : import('@opentelemetry/exporter-trace-otlp-proto'),
    import('./otel-tracer.js'),
  ]);
  const given = environment.OTEL_EXPORTER_OTLP_TRACES_TIMEOUT ?? environment.OTEL_EXPORTER_OTLP_TIMEOUT;
  const exporter = new OTLPTraceExporter(given === undefined ? { timeoutMillis: EXPORT_TIMEOUT_MS } : {});
  const provider = new sdk.NodeTracerProvider({
    resource: resourceFromAttributes({ 'service.name': service, 'service.version': VERSION }).merge(
      detectResources({ detectors: [envDetector] }),
    ),
    spanProcessors: [new sdk.BatchSpanProcessor(exporter)],
  });
  provider.register();
  const tracer = new OtelTracer(provider.getTracer('enjambre', VERSION));
  traceWith(tracer);
  return async () => {
    traceWith(undefined);
    tracer.end();
    // An unreachable collector must not fail a command.
    await provider.shutdown().catch(() => undefined);
  };
}

/** The export protocol; undefined if traces are not exported. */
function protocolOf(environment: Environment): Protocol | undefined {
  const { OTEL_SDK_DISABLED, OTEL_TRACES_EXPORTER = '' } = environment;
  const hasEndpoint =
    Boolean(environment.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) ||
    Boolean(environment.OTEL_EXPORTER_OTLP_ENDPOINT);
  const exporter = OTEL_TRACES_EXPORTER === '' && hasEndpoint ? 'otlp' : OTEL_TRACES_EXPORTER;
  if (OTEL_SDK_DISABLED?.toLowerCase() === 'true' || exporter === '' || exporter === 'none') return undefined;
  if (exporter !== 'otlp') throw badOption('OTEL_TRACES_EXPORTER', exporter, ['otlp', 'none']);
  const variable = environment.OTEL_EXPORTER_OTLP_TRACES_PROTOCOL
    ? 'OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'
    : 'OTEL_EXPORTER_OTLP_PROTOCOL';
  const wanted = environment[variable] || PROTOCOLS[0];
  const protocol = PROTOCOLS.find((each) => each === wanted);
  if (!protocol) throw badOption(variable, wanted, PROTOCOLS);
  return protocol;
}

function badOption(variable: string, given: string, taken: readonly string[]): EnjambreError {
  const message = `${variable}: "${given}" is not supported: use ${taken.join(' or ')}`;
  return new EnjambreError('invalid', 'BAD_OPTION', message, { metadata: { option: variable } });
}
