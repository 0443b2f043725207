import type { HandlerFactory } from '@enjambre/rpc/handlers';
import type { CertifiedCaller } from '@enjambre/rpc/caller';
import { EnjambreError } from '@enjambre/core/error';
import { hasRight } from '@enjambre/core/trust/rights';
import { parseInfoHash } from '@enjambre/core/ids';
import type { File, TrackerServiceServer } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import type { NetworkStatus } from '../app/network.js';
import type { Claim } from '../domain/claims.js';
import type { Directory } from '../domain/directory.js';
import type { SwarmRegistry } from '../domain/swarm-registry.js';
import type { Named, PageQuery } from '../domain/name-index.js';
import type { Session } from '../domain/swarm.js';
import { clampMaxPeers } from '../domain/swarm-registry.js';
import { fileFromClaim, fromMember, fromSession, fromStats } from './convert-lookups.js';
import { decodePageToken, encodePageToken } from './page-token.js';
import { callerOf } from './reach.js';

type LookupHandlers = Pick<
  TrackerServiceServer,
  'listFiles' | 'getFile' | 'getSwarm' | 'listPeers' | 'getStats'
>;

interface LookupOptions {
  /** Milliseconds since 1970. */
  readonly clock: () => number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly network: { readonly status: NetworkStatus };
}

interface PageRequest {
  readonly query: string;
  readonly pageSize: number;
  readonly pageToken: string;
}

const DEFAULT_PAGE_SIZE = 100;
const HIGHEST_PAGE_SIZE = 1000;
/**
 * Labels and endpoints in one answer: it waits in memory until the caller reads it. A character takes up to 3 bytes. One
 * peer has at most about 10,000 of them, usually 200.
 */
const MAX_ANSWER_CHARS = 250_000;
/** More than any name. */
const MAX_QUERY_CHARS = 1024;

/** Handlers of the look-ups for people and tools; none of them changes anything. */
export function lookupHandlers(
  handlers: HandlerFactory,
  { directory, publications }: Pick<SwarmRegistry, 'directory' | 'publications'>,
  { random, clock, network }: LookupOptions,
): LookupHandlers {
  const fromClaim = (claim: Claim): File => fileFromClaim(claim, publications);
  return {
    listFiles: handlers.unary((request, { caller }) => {
      const { exactName, publisher } = request;
      checkQuery(publisher);
      if (exactName && publisher !== '') {
        const { query } = toPageQuery(request);
        const its = directory.named(query, publications.byPublisher(query, publisher));
        return {
          files: its.filter(visibleTo(caller)).map((claim) => fileFromClaim(claim, publications, publisher)),
          nextPageToken: '',
        };
      }
      const page = directory.files({ ...toPageQuery(request), exact: request.exactName });
      return {
        files: page.items.filter(visibleTo(caller)).map(fromClaim),
        nextPageToken: toToken(page.next),
      };
    }),
    getFile: handlers.unary(({ infohash }, { caller }) => {
      const claims = findClaims(directory, infohash, caller).map(fromClaim);
      return { file: claims[0], claims };
    }),
    getSwarm: handlers.unary(({ infohash, maxPeers }, context) => {
      if (maxPeers < 0) throw new EnjambreError('invalid', 'BAD_MAX_PEERS', 'max_peers must not be negative');
      const [first] = findClaims(directory, infohash, context.caller);
      const sample = directory.swarm(first.swarm.infohash)?.sample(clampMaxPeers(maxPeers), random) ?? [];
      const members = sample.slice(
        0,
        fitting(sample, ({ session }) => charsOf(session)),
      );
      return {
        file: fromClaim(first),
        members: members.map((member) => fromMember(member, callerOf(context))),
      };
    }),
    listPeers: handlers.unary((request, context) => {
      const caller = callerOf(context);
      const { items, next } = directory.peers(toPageQuery(request));
      const sessions = items.slice(0, fitting(items, charsOf));
      const peers = sessions.map((session) => fromSession(session, caller));
      return { peers, nextPageToken: toToken(sessions.length < items.length ? sessions.at(-1)?.peer : next) };
    }),
    getStats: handlers.unary(() => fromStats(directory.stats(), network.status, clock())),
  };
}

/** The files that the holder of a certificate may get. For it, the others do not exist. */
function visibleTo(caller: CertifiedCaller | undefined): (claim: Claim) => boolean {
  return ({ file }) => hasRight(caller?.identity, 'get', file.name);
}

function findClaims(
  directory: Directory,
  infohash: string,
  caller: CertifiedCaller | undefined,
): [Claim, ...Claim[]] {
  const [first, ...others] = [...directory.claims(parseInfoHash(infohash))].filter(visibleTo(caller));
  if (first) return [first, ...others];
  throw new EnjambreError('not-found', 'FILE_NOT_FOUND', 'no connected peer has a file of that infohash');
}

function toPageQuery({ query, pageSize, pageToken }: PageRequest): PageQuery {
  if (pageSize < 0) throw new EnjambreError('invalid', 'BAD_PAGE_SIZE', 'page_size must not be negative');
  checkQuery(query);
  const limit = pageSize === 0 ? DEFAULT_PAGE_SIZE : Math.min(pageSize, HIGHEST_PAGE_SIZE);
  return pageToken === '' ? { query, limit } : { query, limit, after: decodePageToken(pageToken) };
}

function checkQuery(text: string): void {
  if (text.length <= MAX_QUERY_CHARS) return;
  throw new EnjambreError('invalid', 'BAD_QUERY', `a query has at most ${MAX_QUERY_CHARS} characters`);
}

/** Number of items that an answer has room for, at least one: labels and endpoints may be long. */
function fitting<Item>(items: readonly Item[], sizeOf: (item: Item) => number): number {
  let chars = 0;
  const tooLong = items.findIndex((item) => (chars += sizeOf(item)) > MAX_ANSWER_CHARS);
  return tooLong < 0 ? items.length : Math.max(1, tooLong);
}

function charsOf({ peer: { labels, reach } }: Session): number {
  const texts = [...Object.entries(labels).flat(), ...reach.elsewhere, ...reach.ownHost];
  return texts.reduce((chars, { length }) => chars + length, 0);
}

function toToken(place: Named | undefined): string {
  return place === undefined ? '' : encodePageToken(place);
}
