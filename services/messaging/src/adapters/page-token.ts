import { EnjambreError } from '@enjambre/core/error';

const MAX_TOKEN_CHARS = 1024;
const DEFAULT_PAGE_SIZE = 100;
const MAX_PAGE_SIZE = 1000;

/** Number of entries in a page, from the `page_size` of a request. */
export function pageLimit(pageSize: number): number {
  return pageSize <= 0 ? DEFAULT_PAGE_SIZE : Math.min(pageSize, MAX_PAGE_SIZE);
}

/** A token that continues a listing at `place`. */
export function encodePageToken(place: string | number): string {
  return Buffer.from(JSON.stringify(place)).toString('base64url');
}

/** The room encoded in a token of ListRooms, or "" for the first page. Throws `invalid` BAD_PAGE_TOKEN. */
export function decodeRoomToken(token: string): string {
  if (token === '') return '';
  const place = decode(token);
  if (typeof place === 'string') return place;
  throw badToken();
}

/** The place encoded in a token of ListMessages. Throws `invalid` BAD_PAGE_TOKEN. */
export function decodeHistoryToken(token: string): number | undefined {
  if (token === '') return undefined;
  const place = decode(token);
  if (typeof place === 'number' && Number.isSafeInteger(place) && place >= 0) return place;
  throw badToken();
}

function decode(token: string): unknown {
  if (token.length > MAX_TOKEN_CHARS) return undefined;
  try {
    return JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch {
    return undefined;
  }
}

function badToken(): EnjambreError {
  const message = 'the page token is not from this listing: leave it empty for the first page';
  return new EnjambreError('invalid', 'BAD_PAGE_TOKEN', message);
}
