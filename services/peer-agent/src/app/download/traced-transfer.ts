import { shortId, type InfoHash } from '@enjambre/core/ids';
import {
  activeTraceparent,
  apart,
  inSpan,
  isTracing,
  startSpan,
  type Span,
} from '@enjambre/common/tracing/tracing';
import type { PeerAddress, PeerConnector, SourceNews } from '../ports/peers.js';
import type { TrackerPort } from '../ports/tracker.js';

/** Collaborators whose calls are traced. */
interface TracedParts {
  readonly tracker: TrackerPort;
  readonly connector: PeerConnector;
}

/**
 * Wraps a transfer's collaborators so that its downloads are traced: from the first request for peers until the
 * download completes, stops or fails. The span is a child of the call that started the transfer, if that was traced.
 * Returns `parts` unchanged if tracing is off.
 */
export function traced<T extends TracedParts>(infohash: InfoHash, parts: T): T {
  if (!isTracing()) return parts;
  const trace = new DownloadTrace(infohash);
  return {
    ...parts,
    tracker: tracedTracker(parts.tracker, trace),
    connector: tracedConnector(parts.connector, trace),
  };
}

/** The span of the current download; a transfer may have several in sequence. */
class DownloadTrace {
  readonly #begunBy = activeTraceparent();
  #span: Span | undefined;

  constructor(private readonly infohash: InfoHash) {}

  begin(): void {
    const parent = activeTraceparent() ?? this.#begunBy;
    this.#span ??= startSpan(`download ${shortId(this.infohash)}`, {
      attributes: { 'enjambre.infohash': this.infohash },
      ...(parent !== undefined && { parent }),
    });
  }

  end(error?: string): void {
    this.#span?.end(error);
    this.#span = undefined;
  }

  /** Runs `work` within the download's span; outside any span if no download is in progress. */
  run<T>(work: () => T): T {
    return this.#span ? this.#span.run(work) : apart(work);
  }
}

function tracedTracker(tracker: TrackerPort, trace: DownloadTrace): TrackerPort {
  return {
    get connected() {
      return tracker.connected;
    },
    announce: (membership, event, failure) => {
      // Periodic announcements are kept out of the trace.
      const say = (): void => tracker.announce(membership, event, failure);
      if (event === 'update' || event === 'numbers') apart(say);
      else trace.run(say);
      if (event === 'completed' || event === 'paused') trace.end();
      if (event === 'failed') trace.end(failure?.message ?? 'failed');
    },
    withdraw: (infohash) => {
      trace.run(() => tracker.withdraw(infohash));
      trace.end();
    },
    watch: (infohash, listener) => {
      trace.begin();
      const span = trace.run(() => startSpan('tracker watch', { kind: 'client' }));
      const peers: typeof listener.peers = (change) => {
        span?.set({ 'enjambre.peers': change.upserted.length });
        span?.end();
        trace.run(() => listener.peers(change));
      };
      const watch = (): void => tracker.watch(infohash, { peers });
      if (span) span.run(watch);
      else watch();
    },
    widen: (infohash) => apart(() => tracker.widen(infohash)),
    unwatch: (infohash) => apart(() => tracker.unwatch(infohash)),
    reportBan: (ban) => trace.run(() => tracker.reportBan(ban)),
    findFiles: (query, options) => tracker.findFiles(query, options),
  };
}

function tracedConnector(connector: PeerConnector, trace: DownloadTrace): PeerConnector {
  return {
    open: (peer, what, tell) => {
      const span = trace.run(() => startSpan('peer session', { attributes: attributesOf(peer) }));
      if (!span) return connector.open(peer, what, tell);
      const session = new SessionTrace(span);
      const traced = (news: SourceNews): void => {
        session.saw(news);
        tell(news);
      };
      return span.run(() => connector.open(peer, what, traced));
    },
    fetchMetainfo: (peer, infohash, signal, progress) =>
      trace.run(() =>
        inSpan('fetch metainfo', { attributes: attributesOf(peer) }, () =>
          connector.fetchMetainfo(peer, infohash, signal, progress),
        ),
      ),
  };
}

/** The span of one link to an uploader; records at its end how many bytes arrived. */
class SessionTrace {
  #bytes = 0;

  constructor(private readonly span: Span) {}

  saw(news: SourceNews): void {
    if (news.type === 'block-arrived') this.#bytes += news.data.length;
    if (news.type !== 'source-left') return;
    this.span.set({ 'enjambre.received_bytes': this.#bytes });
    this.span.end(news.byUs ? undefined : news.error);
  }
}

function attributesOf({ peerId, name, endpoint }: PeerAddress): Record<string, string> {
  return { 'enjambre.peer': peerId, 'enjambre.peer_name': name, 'server.address': endpoint };
}
