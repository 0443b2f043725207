import { EnjambreError } from '@enjambre/core/error';
import { parsePeerId } from '@enjambre/core/ids';
import { quote } from '@enjambre/core/quote';
import type { HandlerFactory } from '@enjambre/rpc/handlers';
import type {
  AgentServiceServer,
  Ban as WireBan,
  ListBansRequest,
  ListBansResponse,
} from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import type { Bans } from '../../app/agent/bans.js';
import { newestFirst, type Ban } from '../../domain/ban-list.js';

const DEFAULT_PAGE = 100;
const MAX_PAGE = 1000;
/** End of a page: time and peer id of its last ban. */
const TOKEN = /^(\d{1,15})\.([0-9a-f]{64})$/;

/** Lists and lifts the agent's bans. */
export function banHandlers(
  bans: Bans,
  handlers: HandlerFactory,
): Pick<AgentServiceServer, 'listBans' | 'liftBan'> {
  return {
    listBans: handlers.unary((request) => listBans(bans, request)),
    liftBan: handlers.unary(async ({ peer }) => ({ ban: toWire(await bans.lift(peer)) })),
  };
}

function listBans(bans: Bans, { pageSize, pageToken }: ListBansRequest): ListBansResponse {
  const limit = Math.min(MAX_PAGE, pageSize > 0 ? pageSize : DEFAULT_PAGE);
  const last = placeOf(pageToken);
  // A ban made or lifted between two pages moves no other ban to another page.
  const left = bans.list().filter((ban) => !last || newestFirst(last, ban) < 0);
  const page = left.slice(0, limit);
  const end = page.length < left.length ? page.at(-1) : undefined;
  return { bans: page.map(toWire), nextPageToken: end ? `${end.sinceMs}.${end.peerId}` : '' };
}

function placeOf(token: string): Pick<Ban, 'sinceMs' | 'peerId'> | undefined {
  if (token === '') return undefined;
  const [, sinceMs, peerId] = TOKEN.exec(token) ?? [];
  if (sinceMs !== undefined && peerId !== undefined) {
    return { sinceMs: Number(sinceMs), peerId: parsePeerId(peerId) };
  }
  const message = `${quote(token)} is not a valid page token: leave it empty for the first page`;
  throw new EnjambreError('invalid', 'BAD_PAGE_TOKEN', message);
}

function toWire({ peerId, name, reason, sinceMs, untilMs }: Ban): WireBan {
  return {
    peerId,
    peerName: name,
    message: reason,
    bannedAt: new Date(sinceMs),
    expiresAt: new Date(untilMs),
  };
}
