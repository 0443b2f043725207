import { EnjambreError } from '@enjambre/core/error';

/** Parsers of quantities. Each throws `invalid`, BAD_QUANTITY, with the message for the user. */

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const UNIT_BYTES = {
  '': 1,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
  TB: 1e12,
  KIB: 2 ** 10,
  MIB: 2 ** 20,
  GIB: 2 ** 30,
  TIB: 2 ** 40,
};

/** "90s", "10m", "1.5h", "7d": a duration, parsed to milliseconds; greater than zero. */
export function parseDuration(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  const ms = Math.round(Number(match?.[1]) * UNIT_MS[(match?.[2] ?? 'ms') as keyof typeof UNIT_MS]);
  if (match && ms > 0 && Number.isSafeInteger(ms)) return ms;
  throw unreadable(`"${text}" is not a duration: write 90s, 10m, 24h or 7d`);
}

/** A rate is 0 for no limit, or from a kilobyte to a terabyte per second: less would not transfer a block. */
export const MIN_RATE = 1e3;
export const MAX_RATE = 1e12;

/** "10MB", "500k", "1.5MiB", "10MB/s": bytes per second; "0" or "none", parsed to 0, means no limit. */
export function parseRate(text: string): number {
  if (text === 'none') return 0;
  // A small b may mean bits: an error is better than a limit that is wrong by a factor of eight.
  const match = /^(\d+(?:\.\d+)?)\s?(?:([kmgt])(i?))?(B?)(?:\/s)?$/.exec(
    text.replace(/[KMGT]/, (letter) => letter.toLowerCase()),
  );
  const unit = match?.[2]
    ? (`${match[2].toUpperCase()}${match[3] ? 'IB' : 'B'}` as keyof typeof UNIT_BYTES)
    : '';
  const rate = Math.round(Number(match?.[1]) * UNIT_BYTES[unit]);
  if (rate === 0 || (rate >= MIN_RATE && rate <= MAX_RATE)) return rate;
  const message = match
    ? `"${text}" per second is out of range: choose from 1kB to 1TB, or none`
    : `"${text}" is not a rate: write 10MB, 500k or 1.5MiB (bytes per second, with a capital B), or none`;
  throw unreadable(message);
}

/** "1000000", "256MiB", "10GB": a size, parsed to bytes; greater than zero. */
export function parseBytes(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s?((?:[KMGT]I?B)?)$/.exec(text.toUpperCase());
  const bytes = Math.floor(Number(match?.[1]) * UNIT_BYTES[(match?.[2] ?? '') as keyof typeof UNIT_BYTES]);
  if (match && bytes > 0 && Number.isSafeInteger(bytes)) return bytes;
  throw unreadable(`"${text}" is not a size: write 256MiB or 10GB`);
}

function unreadable(message: string): EnjambreError {
  return new EnjambreError('invalid', 'BAD_QUANTITY', message);
}
