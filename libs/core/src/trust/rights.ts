import { EnjambreError } from '../error.js';
import { quote } from '../quote.js';
import { matchesPattern } from './pattern.js';

/**
 * What the holder of a certificate may do: offer files, look them up and download them, send messages, see events, and
 * control agents.
 */
export const RIGHTS = ['share', 'get', 'send', 'events', 'operate'] as const;
export type Right = (typeof RIGHTS)[number];

/** A right within a namespace. */
export interface Permission {
  readonly right: Right;
  /** Names of files: exact, or with `*` for any characters. Only `*` covers what has no name. */
  readonly pattern: string;
}

/** The part of a certificate that limits its holder. */
export interface Limited {
  /** All that its role allows if undefined. */
  readonly may?: readonly Permission[] | undefined;
}

/** More than a certificate has room for. */
export const MAX_PERMISSIONS = 32;
/** Percent-encoded, the longest pattern fits a name of a certificate. */
const MAX_PATTERN_CHARS = 200;

/**
 * True if the holder of a certificate has a right.
 *
 * @param identity undefined without TLS: then everything is allowed
 * @param name of a file, or of all that a program reads of it if there are several; undefined for what has no name
 */
export function hasRight(identity: Limited | undefined, right: Right, name: string | undefined): boolean {
  if (!identity?.may) return true;
  return identity.may.some(
    (each) =>
      each.right === right &&
      (name === undefined ? each.pattern === '*' : matchesPattern(each.pattern, name)),
  );
}

/** True if the holder has a right in any namespace. */
export function hasRightSomewhere({ may }: Limited, right: Right): boolean {
  return !may || may.some((each) => each.right === right);
}

/** Reads `RIGHT:PATTERN`, or `RIGHT` for all names; inverse of {@link permissionText}. Throws `invalid`, BAD_PERMISSION. */
export function parsePermission(text: string): Permission {
  const at = text.indexOf(':');
  const [right, pattern] = at < 0 ? [text, '*'] : [text.slice(0, at), text.slice(at + 1)];
  // Agents are controlled whole.
  const isPossible = right !== 'operate' || pattern === '*';
  if (isRight(right) && isPossible && pattern.length > 0 && pattern.length <= MAX_PATTERN_CHARS)
    return { right, pattern };
  const message = `${quote(text)} is no permission: write ${RIGHTS.join(', ')}, each with a pattern of names after it, such as get:llama-*`;
  throw new EnjambreError('invalid', 'BAD_PERMISSION', message);
}

export function permissionText({ right, pattern }: Permission): string {
  return `${right}:${pattern}`;
}

export function isRight(text: string): text is Right {
  return (RIGHTS as readonly string[]).includes(text);
}

/** The error for more permissions than a certificate has room for. */
export function tooManyPermissions(): EnjambreError {
  const message = `a certificate has at most ${MAX_PERMISSIONS} permissions: use patterns, such as get:llama-*`;
  return new EnjambreError('invalid', 'BAD_OPTION', message);
}

/** The error for one who lacks a right. */
export function rightMissing(right: Right, name?: string): EnjambreError {
  const what = name === undefined ? right : `${right} ${quote(name)}`;
  const message = `your certificate does not allow you to ${what}: ask for one that may (${right}:${name ?? '*'})`;
  return new EnjambreError('denied', 'RIGHT_MISSING', message);
}
