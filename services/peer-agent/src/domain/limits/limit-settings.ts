import { UNLIMITED } from './byte-bucket.js';
import type { Priority } from './priority.js';
import type { SeedSettings } from './seed-limits.js';

/** Bytes per second in each direction, or UNLIMITED. */
export interface RateSettings {
  readonly maxUpload: number;
  readonly maxDownload: number;
}

/** The limits of one transfer. */
export interface LimitSettings extends RateSettings, SeedSettings {
  readonly priority: Priority;
}

/** Absent fields stay unchanged. */
export type LimitChange = Partial<LimitSettings>;

/** No limits of its own. */
export const NO_LIMITS: LimitSettings = {
  maxUpload: UNLIMITED,
  maxDownload: UNLIMITED,
  priority: 'normal',
  seedRatio: undefined,
  seedTimeMs: undefined,
};
