import { UNLIMITED } from './byte-bucket.js';
import type { Priority } from './priority.js';

/** Bytes a second in each direction, or UNLIMITED. */
export interface RateSettings {
  readonly maxUpload: number;
  readonly maxDownload: number;
}

/** What a transfer may have of its own. */
export interface LimitSettings extends RateSettings {
  readonly priority: Priority;
}

/** What is absent stays as it is. */
export type LimitChange = Partial<LimitSettings>;

export const NO_LIMITS: LimitSettings = { maxUpload: UNLIMITED, maxDownload: UNLIMITED, priority: 'normal' };
