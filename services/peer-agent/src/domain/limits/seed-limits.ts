import { formatDuration } from '@enjambre/core/format-duration';

/** Limits of one transfer on its seeding: Infinity for none, undefined for the agent's default. */
export interface SeedSettings {
  /** Bytes sent, divided by the size of the content. */
  readonly seedRatio: number | undefined;
  /** Time spent seeding. */
  readonly seedTimeMs: number | undefined;
}

/** Limits in force; Infinity for none. */
export interface SeedLimits {
  readonly seedRatio: number;
  readonly seedTimeMs: number;
}

/** What a transfer has done for others. */
export interface Seeded {
  /** Size of what it has: of a part of a folder, if only that is downloaded. */
  readonly doneBytes: number;
  readonly uploadedBytes: number;
  /** Time spent seeding. */
  readonly seededMs: number;
}

/** Why seeding ended: the reason of a transfer in state `finished`. */
export interface SeedingEnd {
  readonly reason: SeedingEndReason;
  readonly message: string;
}

type SeedingEndReason = (typeof REASONS)[number];

const REASONS = ['SEED_RATIO_REACHED', 'SEED_TIME_REACHED'] as const;

/** No limits, whatever the agent's default. */
export const SEED_FOREVER: SeedLimits = { seedRatio: Infinity, seedTimeMs: Infinity };

export function isSeedingEnd(reason: string): reason is SeedingEndReason {
  return REASONS.some((known) => known === reason);
}

/** The default is for downloads: who shares content wants it to be offered. */
export function seedLimitsOf(
  { origin, seedRatio, seedTimeMs }: SeedSettings & { readonly origin: boolean },
  defaults: SeedLimits,
): SeedLimits {
  const usual = origin ? SEED_FOREVER : defaults;
  return { seedRatio: seedRatio ?? usual.seedRatio, seedTimeMs: seedTimeMs ?? usual.seedTimeMs };
}

/** Why a complete transfer seeds no longer: the first limit that is reached. Undefined if none is. */
export function seedingEnd(seeded: Seeded, limits: SeedLimits): SeedingEnd | undefined {
  const { seedRatio, seedTimeMs } = limits;
  if (isRatioReached(seeded, limits)) {
    const message =
      seedRatio === 0
        ? 'it is not seeded after completion: its seed ratio is 0'
        : `seeding ended: it sent ${ratioText(seeded)} × its size, and its limit is ${seedRatio} ×`;
    return { reason: 'SEED_RATIO_REACHED', message };
  }
  if (!isTimeReached(seeded, limits)) return undefined;
  const message =
    seedTimeMs === 0
      ? 'it is not seeded after completion: its seed time is 0'
      : `seeding ended after ${formatDuration(seedTimeMs)}, its limit`;
  return { reason: 'SEED_TIME_REACHED', message };
}

/** The change that lets a transfer seed on: removes the limits that are reached. */
export function withoutReached(seeded: Seeded, limits: SeedLimits): Partial<SeedLimits> {
  return {
    ...(isRatioReached(seeded, limits) && { seedRatio: Infinity }),
    ...(isTimeReached(seeded, limits) && { seedTimeMs: Infinity }),
  };
}

function isRatioReached({ doneBytes, uploadedBytes }: Seeded, { seedRatio }: SeedLimits): boolean {
  return uploadedBytes >= seedRatio * doneBytes;
}

function isTimeReached({ seededMs }: Seeded, { seedTimeMs }: SeedLimits): boolean {
  return seededMs >= seedTimeMs;
}

function ratioText({ doneBytes, uploadedBytes }: Seeded): string {
  return (uploadedBytes / doneBytes).toFixed(2);
}
