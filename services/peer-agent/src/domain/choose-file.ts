import { EnjambreError } from '@enjambre/core/error';
import type { InfoHash, PeerId } from '@enjambre/core/ids';
import { idDigits, looksLike, withDigits } from '@enjambre/core/named';
import { quote } from '@enjambre/core/quote';
import { byPublisher, someOf, type Publication } from './publication.js';
import { findByRef, single, type TransferRef } from './transfer-ref.js';

/** A file that the catalogue lists, or one of this agent. */
export interface Choice {
  readonly infohash: InfoHash;
  readonly name: string;
  /** In bytes. */
  readonly size: number;
  /** Who has published it under its name; the first publisher first. */
  readonly publications: readonly Publication[];
  /** Each of its publishers has a newer version that peers have. */
  readonly superseded: boolean;
}

/** One version of a name: by its number, or by the first digits of its infohash. */
export interface VersionRef {
  readonly name: string;
  readonly version: { readonly number: number } | { readonly digits: string };
}

/** Parses `NAME@3` and `NAME@1a2b3c4d`; undefined for anything else. A file may also have such a name. */
export function versionRef(ref: TransferRef): VersionRef | undefined {
  if (ref.kind !== 'name') return undefined;
  const [, name = '', version = ''] = /^(.+)@([0-9a-f]{1,64})$/i.exec(ref.name.trim()) ?? [];
  const digits = idDigits(version);
  if (digits !== undefined) return { name, version: { digits } };
  return /^[1-9][0-9]{0,6}$/.test(version) ? { name, version: { number: Number(version) } } : undefined;
}

/**
 * Finds the file that a ref means. By its name that is the newest version of its publisher; files of several publishers
 * are ambiguous, and so is a file without one beside others: anyone can share a file under any name. Throws `precondition`
 * AMBIGUOUS_REF, and with `publisher` also `not-found` UNKNOWN_PUBLISHER and `precondition` AMBIGUOUS_PUBLISHER.
 *
 * @param publisher only versions of this peer count: its name, or at least 8 digits of its id; empty for any
 */
export function chooseFile<T extends Choice>(
  ref: TransferRef,
  files: readonly T[],
  publisher = '',
): T | undefined {
  const named = ref.kind === 'infohash' ? [] : looksLike(ref.name, files);
  const asked = versionRef(ref);
  const versions = asked === undefined ? [] : versionsOf(asked, files);
  if (publisher !== '') {
    const id = publisherIn(asked ? [...named, ...looksLike(asked.name, files)] : named, publisher);
    return newestOf(id, [...named, ...versions], asked);
  }
  // A name that looks like a version of another is as good as that version.
  if (versions.length > 0) {
    const others = asked && 'number' in asked.version ? strangersOf(looksLike(asked.name, files)) : [];
    return single([...named.filter(isCurrent), ...versions, ...others], textOf(ref));
  }
  const isNamed = (file: T): boolean => named.includes(file) && !isMeantByDigits(ref, file);
  return findByRef(
    ref,
    files.filter((file) => !isNamed(file) || isCurrent(file)),
    { strangers: true },
  );
}

/** True if the ref means one version: its number, or digits of its infohash. */
function versionsOf<T extends Choice>({ name, version }: VersionRef, files: readonly T[]): readonly T[] {
  const named = looksLike(name, files);
  if ('digits' in version) return withDigits(version.digits, named, ({ infohash }) => infohash);
  return named.filter(({ publications }) => publications.some((its) => its.version === version.number));
}

/** The newest of some files by their publisher, or the version that is asked for. */
function newestOf<T extends Choice>(
  publisher: PeerId | undefined,
  files: readonly T[],
  asked: VersionRef | undefined,
): T | undefined {
  const versionOf = (file: Choice): number =>
    publisher === undefined ? 0 : (byPublisher(file, publisher)?.version ?? 0);
  const number = asked && 'number' in asked.version ? asked.version.number : undefined;
  let newest: T | undefined;
  for (const file of files) {
    const version = versionOf(file);
    const isWanted = version > 0 && (number === undefined || number === version);
    if (isWanted && version > (newest ? versionOf(newest) : 0)) newest = file;
  }
  return newest;
}

/** Undefined if there are no files. */
function publisherIn(files: readonly Choice[], text: string): PeerId | undefined {
  if (files.length === 0) return undefined;
  const names = new Map<PeerId, string>();
  const matching = new Set<PeerId>();
  for (const publication of files.flatMap(({ publications }) => publications)) {
    const { id, name } = publication.publisher;
    names.set(id, name);
    if (isBy(publication, text)) matching.add(id);
  }
  const [found] = matching;
  if (matching.size === 1) return found;
  const known = someOf(Array.from(names, ([id, name]) => ({ id, name })));
  if (found !== undefined)
    throw new EnjambreError(
      'precondition',
      'AMBIGUOUS_PUBLISHER',
      `several publishers match ${quote(text)}: use the id of one, such as ${known}`,
    );
  const others = names.size === 0 ? 'no publisher of it is known' : `its publishers are ${known}`;
  throw new EnjambreError('not-found', 'UNKNOWN_PUBLISHER', `no publisher matches ${quote(text)}: ${others}`);
}

/** Publications of one file, first that of the publisher that was requested: see {@link chooseFile}. */
export function firstOf(publications: readonly Publication[], publisher: string): readonly Publication[] {
  if (publisher === '') return publications;
  const first = publications.filter((its) => isBy(its, publisher));
  return [...first, ...publications.filter((its) => !first.includes(its))];
}

function isBy({ publisher: { id, name } }: Publication, text: string): boolean {
  const digits = idDigits(text.trim());
  return name === text || (digits !== undefined && id.startsWith(digits));
}

/** All files of a name that several publishers share, or that one has whose publisher is unknown: each has its numbers. */
function strangersOf<T extends Choice>(files: readonly T[]): readonly T[] {
  const publishers = new Set(
    files.flatMap(({ publications }) => publications.map((its) => its.publisher.id)),
  );
  const areAllKnown = files.every(({ publications }) => publications.length > 0);
  return publishers.size === 1 && areAllKnown ? [] : files.filter(isCurrent);
}

function isCurrent({ superseded }: Choice): boolean {
  return !superseded;
}

function isMeantByDigits(ref: TransferRef, { infohash }: Choice): boolean {
  if (ref.kind === 'digits') return ref.infohash === infohash;
  return ref.kind === 'prefix' && infohash.startsWith(ref.prefix);
}

function textOf(ref: TransferRef): string {
  return ref.kind === 'infohash' ? ref.infohash : ref.name.trim();
}
