import { EnjambreError } from '@enjambre/core/error';

/** Parsers of quantities. Each throws `invalid`, BAD_QUANTITY, with the message for the user. */

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
/** Each unit once at most, the largest first. */
const DURATION = /^(?=.)(?:[\d.]+d)?(?:[\d.]+h)?(?:[\d.]+m)?(?:[\d.]+s)?(?:[\d.]+ms)?$/;
const PART = /(\d+(?:\.\d+)?)(ms|[smhd])/g;
const SECONDS = /^\d+(?:\.\d+)?$/;

/** "90s", "10m", "1h30m", "1.5h", "7d" or "90" (seconds): a duration, parsed to milliseconds; greater than zero. */
export function parseDuration(text: string): number {
  const full = SECONDS.test(text) ? `${text}s` : text;
  const parts = DURATION.test(full) ? Array.from(full.matchAll(PART)) : [];
  const isWhole = parts.map(([part]) => part).join('') === full;
  const ms = Math.round(
    parts.reduce((sum, [, number, unit]) => sum + Number(number) * UNIT_MS[unit as keyof typeof UNIT_MS], 0),
  );
  if (isWhole && ms > 0 && Number.isSafeInteger(ms)) return ms;
  throw unreadable(`"${text}" is not a duration: write 90s, 10m, 1h30m or 7d`);
}

/** A number, a prefix such as "M" or "Mi", and perhaps "B". */
const BYTES = /^(\d+(?:\.\d+)?) ?(?:([kmgtp])(i?))?(b?)$/i;
const EXPONENTS: Readonly<Record<string, number>> = { k: 1, m: 2, g: 3, t: 4, p: 5 };

/** Bytes in "10MB", "500k", "1.5 MiB" or "1000"; undefined for any other text. A unit may be in small letters. */
function bytesIn(text: string): number | undefined {
  const [, number, prefix = '', binary = ''] = BYTES.exec(text) ?? [];
  if (number === undefined) return undefined;
  return Number(number) * (binary === '' ? 1000 : 1024) ** (EXPONENTS[prefix.toLowerCase()] ?? 0);
}

/** A rate is 0 for no limit, or from a kilobyte to a terabyte per second: less would not transfer a block. */
export const MIN_RATE = 1e3;
export const MAX_RATE = 1e12;

/** "10MB", "500k", "1.5MiB", "10MB/s": bytes per second; "0" or "none", parsed to 0, means no limit. */
export function parseRate(text: string): number {
  if (text === 'none') return 0;
  const amount = text.replace(/\/s$/, '');
  // A small b may mean bits: an error is better than a limit that is wrong by a factor of eight.
  const bytes = amount.endsWith('b') ? undefined : bytesIn(amount);
  const rate = Math.round(bytes ?? NaN);
  if (rate === 0 || (rate >= MIN_RATE && rate <= MAX_RATE)) return rate;
  const message =
    bytes === undefined
      ? `"${text}" is not a rate: write 10MB, 500k or 1.5MiB (bytes per second, with a capital B), or none`
      : `"${text}" per second is out of range: choose from 1kB to 1TB, or none`;
  throw unreadable(message);
}

/** "1000000", "256MiB", "10GB", "500k": a size, parsed to bytes; greater than zero. */
export function parseBytes(text: string): number {
  const bytes = Math.floor(bytesIn(text) ?? 0);
  if (bytes > 0 && Number.isSafeInteger(bytes)) return bytes;
  throw unreadable(`"${text}" is not a size: write 256MiB or 10GB`);
}

/** "2" or "1.5"; Infinity for "none". */
export function parseSeedRatio(text: string): number {
  if (text === 'none') return Infinity;
  if (/^\d{1,6}(?:\.\d{1,6})?$/.test(text)) return Number(text);
  throw unreadable(`"${text}" is not a ratio: write 2 or 1.5, or none`);
}

/** A duration as {@link parseDuration} reads it, or "0"; Infinity for "none". In milliseconds. */
export function parseSeedTime(text: string): number {
  if (text === 'none') return Infinity;
  return /^0[smhd]?$/.test(text) ? 0 : parseDuration(text);
}

function unreadable(message: string): EnjambreError {
  return new EnjambreError('invalid', 'BAD_QUANTITY', message);
}
