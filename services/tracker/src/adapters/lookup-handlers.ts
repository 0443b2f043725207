import type { HandlerFactory } from '@enjambre/rpc/handlers';
import { EnjambreError } from '@enjambre/core/error';
import { parseInfoHash } from '@enjambre/core/ids';
import type { TrackerServiceServer } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import type { NetworkStatus } from '../app/network.js';
import type { Directory, KnownSwarm } from '../domain/directory.js';
import type { Named, Page, PageQuery } from '../domain/name-index.js';
import type { Session } from '../domain/swarm.js';
import { clampMaxPeers } from '../domain/swarm-registry.js';
import { fromSession, fromStats, fromSwarm, fromMember } from './convert-lookups.js';
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
 * gRPC clients accept 4 MiB; a character takes up to 3 bytes. One peer has at most about 10,000 characters.
 */
const MAX_PAGE_CHARS = 1_000_000;

/** Handlers of the look-ups for people and tools; none of them changes anything. */
export function lookupHandlers(
  handlers: HandlerFactory,
  directory: Directory,
  { random, clock, network }: LookupOptions,
): LookupHandlers {
  return {
    listFiles: handlers.unary((request) => {
      const page = directory.files({ ...toPageQuery(request), exact: request.exactName });
      return { files: page.items.map(fromSwarm), nextPageToken: tokenAfter(page, fileKey) };
    }),
    getFile: handlers.unary(({ infohash }) => ({ file: fromSwarm(findFile(directory, infohash)) })),
    getSwarm: handlers.unary(({ infohash, maxPeers }, context) => {
      if (maxPeers < 0) throw new EnjambreError('invalid', 'BAD_MAX_PEERS', 'max_peers must not be negative');
      const swarm = findFile(directory, infohash);
      const members = swarm.sample(clampMaxPeers(maxPeers), random);
      return {
        file: fromSwarm(swarm),
        members: members.map((member) => fromMember(member, callerOf(context))),
      };
    }),
    listPeers: handlers.unary((request, context) => {
      const caller = callerOf(context);
      const page = bounded(directory.peers(toPageQuery(request)), charsOf);
      const peers = page.items.map((session) => fromSession(session, caller));
      return { peers, nextPageToken: tokenAfter(page, ({ peer }) => peer) };
    }),
    getStats: handlers.unary(() => fromStats(directory.stats(), network.status, clock())),
  };
}

function findFile(directory: Directory, infohash: string): KnownSwarm {
  const file = directory.file(parseInfoHash(infohash));
  if (file) return file;
  throw new EnjambreError('not-found', 'FILE_NOT_FOUND', 'no connected peer has a file of that infohash');
}

function toPageQuery({ query, pageSize, pageToken }: PageRequest): PageQuery {
  if (pageSize < 0) throw new EnjambreError('invalid', 'BAD_PAGE_SIZE', 'page_size must not be negative');
  const limit = pageSize === 0 ? DEFAULT_PAGE_SIZE : Math.min(pageSize, HIGHEST_PAGE_SIZE);
  return pageToken === '' ? { query, limit } : { query, limit, after: decodePageToken(pageToken) };
}

/**
 * Shortens a page of peers with long labels or endpoints, so that the answer does not exceed the limit of
 * clients.
 */
function bounded<Item>({ items, more }: Page<Item>, sizeOf: (item: Item) => number): Page<Item> {
  let chars = 0;
  const tooLong = items.findIndex((item) => (chars += sizeOf(item)) > MAX_PAGE_CHARS);
  return tooLong < 0 ? { items, more } : { items: items.slice(0, tooLong), more: true };
}

function charsOf({ peer: { labels, reach } }: Session): number {
  const texts = [...Object.entries(labels).flat(), ...reach.elsewhere, ...reach.ownHost];
  return texts.reduce((chars, { length }) => chars + length, 0);
}

function tokenAfter<Item>({ items, more }: Page<Item>, keyOf: (item: Item) => Named): string {
  const last = items.at(-1);
  return more && last !== undefined ? encodePageToken(keyOf(last)) : '';
}

function fileKey({ file, infohash }: KnownSwarm): Named {
  return { name: file.name, id: infohash };
}
