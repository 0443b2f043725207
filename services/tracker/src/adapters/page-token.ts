import { EnjambreError } from '@enjambre/core/error';
import type { Named } from '../domain/name-index.js';

const MAX_TOKEN_CHARS = 1024;

/** A token that continues a listing after `place`, even if entries have come or gone meanwhile. */
export function encodePageToken({ name, id }: Named): string {
  return Buffer.from(JSON.stringify([name, id])).toString('base64url');
}

/** The place encoded in a token. Throws `invalid` BAD_PAGE_TOKEN. */
export function decodePageToken(token: string): Named {
  const place =
    token.length <= MAX_TOKEN_CHARS ? parse(Buffer.from(token, 'base64url').toString()) : undefined;
  if (Array.isArray(place)) {
    const [name, id] = place as unknown[];
    if (typeof name === 'string' && typeof id === 'string') {
      const decoded = { name, id };
      if (encodePageToken(decoded) === token) return decoded;
    }
  }
  const message = 'the page token is not from this tracker: leave it empty for the first page';
  throw new EnjambreError('invalid', 'BAD_PAGE_TOKEN', message);
}

function parse(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    return undefined;
  }
}
