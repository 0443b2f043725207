import { formatDuration } from '@enjambre/core/format-duration';
import stringWidth from 'fast-string-width';
import prettyBytes from 'pretty-bytes';

/** Control characters, lone surrogates, and characters that reorder text or break lines. */
const UNSAFE = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu;

const SHORT_DIGITS = 8;

/**
 * Makes text from the network safe for a terminal: characters that could move the cursor,
 * recolour or reorder text are shown as `\x1b` or `\u202e`.
 */
export function plain(text: string): string {
  return text.replace(UNSAFE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    return code < 0x100
      ? `\\x${code.toString(16).padStart(2, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

/** Makes JSON text safe for a terminal without changing its meaning. */
export function plainJson(json: string): string {
  return json.replace(UNSAFE, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** The first digits of an infohash or peer id, for people. */
export function shortDigits(hex: string): string {
  return plain(hex.slice(0, SHORT_DIGITS));
}

/** `1.07 GB` */
export function formatBytes(bytes: number | bigint): string {
  return prettyBytes(Number(bytes));
}

/** `256 KiB`, for sizes that are powers of two. */
export function formatBinary(bytes: bigint): string {
  return prettyBytes(Number(bytes), { binary: true });
}

/** `312 MB/s` */
export function formatRate(bytesPerSecond: number | bigint): string {
  return `${prettyBytes(Number(bytesPerSecond))}/s`;
}

/** `42%`: rounded down, so that 100% means complete. */
export function formatPercent(done: number | bigint, total: number | bigint): string {
  const all = Number(total);
  return all === 0 ? '0%' : `${Math.floor((Number(done) / all) * 100)}%`;
}

/** `12s`, `3m20s` */
export function formatSeconds(seconds: number): string {
  return formatDuration(seconds * 1000);
}

const DAY_SECONDS = 86_400;

/** `3m20s left`; whole seconds, and nothing exact beyond a day: the rates behind it change from second to second. */
export function timeLeftText(seconds: number): string {
  return seconds > DAY_SECONDS
    ? 'more than a day left'
    : `${formatSeconds(Math.max(1, Math.ceil(seconds)))} left`;
}

/** `12s`, for columns of ages; empty if unknown. */
export function formatAge(then: Date | undefined, nowMs: number): string {
  return then ? formatSeconds(Math.max(0, Math.round((nowMs - then.getTime()) / 1000))) : '';
}

/** `just now`, `12s ago` */
export function formatAgo(then: Date | undefined, nowMs: number): string {
  if (!then) return '';
  const seconds = Math.round((nowMs - then.getTime()) / 1000);
  return seconds < 1 ? 'just now' : `${formatSeconds(seconds)} ago`;
}

/** `in 48m` */
export function formatIn(then: Date | undefined, nowMs: number): string {
  if (!then) return '';
  const seconds = Math.round((then.getTime() - nowMs) / 1000);
  return seconds < 1 ? 'now' : `in ${formatSeconds(seconds)}`;
}

/** `2026-11-25 13:04:59 +01:00`, in local time. */
export function clockTime(date: Date): string {
  const two = (part: number): string => String(part).padStart(2, '0');
  const minutes = -date.getTimezoneOffset();
  const size = Math.abs(minutes);
  const zone = `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}:${two(size % 60)}`;
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')} ${zone}`;
}

/** `1 source`, `3 sources` */
export function count(n: number, noun: string): string {
  return `${n.toLocaleString('en')} ${noun}${n === 1 ? '' : 's'}`;
}

/** Characters of no width that the library counts. */
const ZERO_WIDTH = /[\u200b\u200e\u200f\u2060\ufeff]/g;
const ASCII = /^[\x20-\x7e]*$/;

/** Number of terminal columns that a text fills; escape sequences for colours fill none. */
export function columnsOf(text: string): number {
  return ASCII.test(text) ? text.length : stringWidth(text.replace(ZERO_WIDTH, ''));
}

/** Cuts a text between characters to at most `columns` columns; a cut end is shown as "…". */
export function shorten(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  return `${headOf(text, columns - 1).trimEnd()}…`;
}

/** Breaks a text into lines of at most `columns` columns, only at spaces: a longer word is a line that is wider. */
export function wrapWords(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line: string | undefined;
  for (const word of text.split(' ')) {
    const longer: string = line === undefined ? word : `${line} ${word}`;
    if (line !== undefined && columnsOf(longer) > columns) {
      lines.push(line);
      line = word;
    } else line = longer;
  }
  return [...lines, line ?? ''];
}

/** Breaks a text into lines of at most `columns` columns (at least 2), at spaces where possible. */
export function wrap(text: string, columns: number): string[] {
  const lines: string[] = [];
  let rest = text;
  while (columnsOf(rest) > columns) {
    const head = headOf(rest, columns) || firstOf(rest);
    const isWhole = rest[head.length] === ' ';
    const space = isWhole ? head.length : head.lastIndexOf(' ');
    const cut = space > 0 && head.slice(0, space).trim() !== '' ? space : head.length;
    lines.push(rest.slice(0, cut).trimEnd());
    rest = rest.slice(cut).trimStart();
  }
  return rest === '' && lines.length > 0 ? lines : [...lines, rest];
}

function firstOf(text: string): string {
  for (const character of charactersOf(text)) return character;
  return '';
}

let graphemes: Intl.Segmenter | undefined;

/** What a reader sees as one character each. */
function charactersOf(text: string): Iterable<string> {
  if (ASCII.test(text)) return text;
  graphemes ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  return Array.from(graphemes.segment(text), ({ segment }) => segment);
}

/** The longest prefix of whole characters that fits. */
function headOf(text: string, columns: number): string {
  let head = '';
  let filled = 0;
  for (const character of charactersOf(text)) {
    filled += columnsOf(character);
    if (filled > columns) break;
    head += character;
  }
  return head;
}
