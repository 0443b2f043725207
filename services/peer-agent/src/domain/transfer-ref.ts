import { EnjambreError } from '@enjambre/core/error';
import { parseInfoHash, shortId, type InfoHash } from '@enjambre/core/ids';
import { parseMagnet } from '@enjambre/core/magnet';
import { idDigits, looksLike, withDigits, withName } from '@enjambre/core/named';
import { quote } from '@enjambre/core/quote';
import type { Publication } from './publication.js';

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
  /** In bytes. */
  readonly size?: number;
  /** Who has published it under its name, according to the tracker. */
  readonly publications?: readonly Publication[];
}

/**
 * Finds the candidate that a ref means, or undefined. An infohash takes precedence over a name of 64 digits: no file can
 * take its place by having it as a name. For the same reason a prefix of an infohash and a name that match different
 * files are ambiguous. Among names, an exact match takes precedence over one that looks the same, and that over one
 * that differs in surrounding spaces. Throws `precondition` AMBIGUOUS_REF if several candidates match.
 *
 * @param strangers true if strangers named the candidates: then all names that look the same are one
 */
export function findByRef<T extends Named>(
  ref: TransferRef,
  candidates: readonly T[],
  { strangers = false }: { readonly strangers?: boolean } = {},
): T | undefined {
  if (ref.kind === 'infohash' || ref.kind === 'digits') {
    const found = candidates.find(({ infohash }) => infohash === ref.infohash);
    if (found || ref.kind === 'infohash') return found;
  }
  const named = strangers ? looksLike(ref.name, candidates) : withName(ref.name, candidates);
  if (ref.kind !== 'prefix') return single(named, ref.name);
  const digits = withDigits(ref.prefix, candidates, ({ infohash }) => infohash);
  return single([...new Set([...named, ...digits])], ref.name.trim());
}

/** True if `ref` means this file by its name, not by its infohash. */
export function meansName(ref: TransferRef, { infohash }: Pick<Named, 'infohash'>): boolean {
  switch (ref.kind) {
    case 'infohash':
      return false;
    case 'digits':
      return ref.infohash !== infohash;
    case 'prefix':
      return !infohash.startsWith(ref.prefix);
    case 'name':
      return true;
  }
}

/** The only file among these; one that several names are claimed of counts once. Throws as {@link findByRef} does. */
export function single<T extends Named>(matching: readonly T[], text: string): T | undefined {
  const found = matching.filter(
    ({ infohash }, at) => matching.findIndex((other) => other.infohash === infohash) === at,
  );
  if (found.length > 1) throw ambiguous(text, found);
  return found[0];
}

/** @param files at least two */
function ambiguous(text: string, files: readonly Named[]): EnjambreError {
  const choices = files.slice(0, 5).map((file) => `${file.infohash.slice(0, 16)} (${describe(file)})`);
  const message = `"${text}" matches ${files.length} files: use an infohash, such as ${choices.join(', ')}`;
  const isPublished = files.some(({ publications = [] }) => publications.length > 0);
  const metadata = isPublished ? { remedy: 'choose-publisher' } : {};
  return new EnjambreError('precondition', 'AMBIGUOUS_REF', message, { metadata });
}

/** Name, size and publishers, as far as they are known. */
function describe({ name, size, publications = [] }: Named): string {
  const facts = [quote(name)];
  if (size !== undefined) facts.push(`${size} bytes`);
  const [first, ...others] = publications;
  if (!first) return facts.join(', ');
  const { publisher, version, publishedAtMs } = first;
  const time = new Date(publishedAtMs).toISOString().slice(0, 16).replace('T', ' ');
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  const by = `${quote(publisher.name)} (${shortId(publisher.id)})${more}`;
  return [...facts, `version ${version} of ${by}`, `on ${time} UTC`].join(', ');
}

function badRef(text: string): EnjambreError {
  return new EnjambreError(
    'invalid',
    'BAD_REF',
    `"${text}" is not a valid reference: give an infohash, 8 or more of its digits, a magnet link or a name`,
  );
}
