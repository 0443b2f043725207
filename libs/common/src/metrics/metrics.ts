import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

export type Labels = Readonly<Record<string, string>>;

/** Label values of a family, and a number. */
export type Sample = readonly [labels: Labels, value: number];

/** A number, or one for each combination of labels. */
export type Reading = number | Iterable<Sample>;

/** Reads current numbers. Called for each scrape. */
export type Reader = () => Reading | Promise<Reading>;

/** A metric family of Prometheus. */
export interface Family {
  /** With its unit, and `_total` for a counter. */
  readonly name: string;
  readonly help: string;
  /** Labels with few, known values: never an infohash, a peer or a name. */
  readonly labels?: readonly string[];
}

export interface HistogramFamily extends Family {
  /** Upper bounds, ascending. */
  readonly buckets: readonly number[];
}

/** Records measured values. */
export interface Recorder {
  observe(labels: Labels, value: number): void;
}

/**
 * The metrics of a process for Prometheus. Existing numbers are read at each scrape and cost nothing in
 * between; only histograms are updated as events happen. A process without metrics does not load this module.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #readers = new Map<string, Reader[]>();
  readonly #histograms = new Map<string, Recorder>();

  /** Includes those of the process and of Node: `process_*` and `nodejs_*`. */
  constructor() {
    collectDefaultMetrics({ register: this.#registry });
  }

  /** A number that goes up and down. A known name gets another reader, and equal labels are summed. */
  gauge(family: Family, read: Reader): void {
    if (this.#isKnown(family.name, read)) return;
    const collectInto = this.#collectInto;
    new Gauge({
      ...settingsOf(family, this.#registry),
      collect() {
        return collectInto(family.name, this, (labels, value) => this.inc(labels, value));
      },
    });
  }

  /**
   * A count since the process started: `read` must never decrease. A known name is handled as by
   * {@link gauge}.
   */
  counter(family: Family, read: Reader): void {
    if (this.#isKnown(family.name, read)) return;
    const collectInto = this.#collectInto;
    new Counter({
      ...settingsOf(family, this.#registry),
      collect() {
        return collectInto(family.name, this, (labels, value) => this.inc(labels, value));
      },
    });
  }

  /** Returns the existing histogram for a known name. */
  histogram(family: HistogramFamily): Recorder {
    const known = this.#histograms.get(family.name);
    if (known) return known;
    const made = new Histogram({ ...settingsOf(family, this.#registry), buckets: [...family.buckets] });
    this.#histograms.set(family.name, made);
    return made;
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** The page that Prometheus scrapes. */
  page(): Promise<string> {
    return this.#registry.metrics();
  }

  /** The families, without reading any number. */
  families(): readonly (Family & { readonly type: string })[] {
    return this.#registry.getMetricsAsArray().map((metric) => {
      const { name, help, type, labelNames = [] } = metric as unknown as Described;
      return { name, help, labels: labelNames, type };
    });
  }

  #isKnown(name: string, read: Reader): boolean {
    const readers = this.#readers.get(name);
    if (readers) readers.push(read);
    else this.#readers.set(name, [read]);
    return readers !== undefined;
  }

  readonly #collectInto = async (
    name: string,
    metric: { reset(): void },
    put: (labels: Record<string, string>, value: number) => void,
  ): Promise<void> => {
    const readings = await Promise.all((this.#readers.get(name) ?? []).map(async (read) => read()));
    metric.reset();
    for (const reading of readings) {
      const samples: Iterable<Sample> = typeof reading === 'number' ? [[{}, reading]] : reading;
      for (const [labels, value] of samples) put({ ...labels }, value);
    }
  };
}

/** Shape of a metric in prom-client. */
interface Described {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly labelNames?: readonly string[];
}

function settingsOf({ name, help, labels = [] }: Family, registry: Registry) {
  return { name, help, labelNames: [...labels], registers: [registry] };
}
