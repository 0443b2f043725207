import { EnjambreError } from '@enjambre/core/error';
import { parseInfoHash, type InfoHash } from '@enjambre/core/ids';
import { parseMagnet } from '@enjambre/core/magnet';
import { idDigits, withDigits, withName } from '@enjambre/core/named';

/** How a person refers to a transfer. */
export type TransferRef =
  | { readonly kind: 'infohash'; readonly infohash: InfoHash; readonly name?: string }
  /** 64 hexadecimal digits: an infohash, or the literal name if no file has that infohash. */
  | { readonly kind: 'digits'; readonly infohash: InfoHash; readonly name: string }
  /** 8 to 63 hexadecimal digits: `prefix` in lower case; `name` as typed, since it may be a name. */
  | { readonly kind: 'prefix'; readonly prefix: string; readonly name: string }
  | { readonly kind: 'name'; readonly name: string };

const MAX_NAME_BYTES = 255;

/** Parses an infohash, its first 8 or more digits, a magnet link, or a name. Throws `invalid` BAD_REF. */
export function parseRef(text: string): TransferRef {
  const ref = text.trim();
  if (ref === '' || Buffer.byteLength(ref) > MAX_NAME_BYTES * 16) throw badRef(ref.slice(0, 40));
  if (/^magnet:/i.test(ref)) {
    const { infohash, name } = parseMagnet(ref);
    return name === undefined ? { kind: 'infohash', infohash } : { kind: 'infohash', infohash, name };
  }
  if (/^[0-9a-f]{64}$/i.test(ref)) return { kind: 'digits', infohash: parseInfoHash(ref), name: text };
  const prefix = idDigits(ref);
  if (prefix !== undefined) return { kind: 'prefix', prefix, name: text };
  if (Buffer.byteLength(ref.normalize('NFC')) > MAX_NAME_BYTES) throw badRef(ref.slice(0, 40));
  return { kind: 'name', name: text };
}

interface Named {
  readonly infohash: InfoHash;
  readonly name: string;
}

/**
 * Finds the candidate that a ref means, or undefined. An exact name takes precedence over a prefix, and an infohash
 * over a name of 64 digits: no file can take its place by having it as a name. Among names, an exact match takes
 * precedence over one that looks the same, and that over one that differs in surrounding spaces. Throws `precondition`
 * AMBIGUOUS_REF if several candidates match.
 */
export function findByRef<T extends Named>(ref: TransferRef, candidates: readonly T[]): T | undefined {
  if (ref.kind === 'infohash' || ref.kind === 'digits') {
    const found = candidates.find(({ infohash }) => infohash === ref.infohash);
    if (found || ref.kind === 'infohash') return found;
  }
  const named = withName(ref.name, candidates);
  if (named.length > 0) return single(named, ref.name);
  if (ref.kind !== 'prefix') return undefined;
  return single(
    withDigits(ref.prefix, candidates, ({ infohash }) => infohash),
    ref.name.trim(),
  );
}

function single<T extends Named>(found: readonly T[], text: string): T | undefined {
  if (found.length <= 1) return found[0];
  const choices = found.slice(0, 5).map(({ infohash, name }) => `${infohash.slice(0, 16)} (${name})`);
  throw new EnjambreError(
    'precondition',
    'AMBIGUOUS_REF',
    `"${text}" matches ${found.length} files: use an infohash, such as ${choices.join(', ')}`,
  );
}

function badRef(text: string): EnjambreError {
  return new EnjambreError(
    'invalid',
    'BAD_REF',
    `"${text}" is not a valid reference: give an infohash, 8 or more of its digits, a magnet link or a name`,
  );
}
