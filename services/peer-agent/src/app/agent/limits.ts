import type { LimitChange, LimitSettings, RateSettings } from '../../domain/limits/limit-settings.js';
import { weightOf, type Priority } from '../../domain/limits/priority.js';
import type { SeedLimits, SeedSettings } from '../../domain/limits/seed-limits.js';
import { RateLimiter, type RateShare } from '../../domain/limits/rate-limiter.js';
import type { Clock } from '@enjambre/common/async/clock';

/** Rate limits of the agent, over all transfers. */
export class AgentLimits {
  readonly #upload: RateLimiter;
  readonly #download: RateLimiter;

  constructor(
    private readonly clock: Clock,
    { maxUpload, maxDownload }: RateSettings,
    /** Seeding limits of downloads that have none of their own. */
    readonly seeding: SeedLimits,
  ) {
    this.#upload = new RateLimiter(maxUpload);
    this.#download = new RateLimiter(maxDownload);
  }

  get settings(): RateSettings {
    return { maxUpload: this.#upload.limit, maxDownload: this.#download.limit };
  }

  /** Changes limits until the agent stops; flags set the limits at start. */
  change({ maxUpload, maxDownload }: Partial<RateSettings>): void {
    if (maxUpload !== undefined) this.#upload.setLimit(maxUpload, this.clock.nowMs());
    if (maxDownload !== undefined) this.#download.setLimit(maxDownload, this.clock.nowMs());
  }

  /** The limits of one transfer, within those of the agent. */
  forTransfer(settings: LimitSettings): TransferLimits {
    const { clock } = this;
    return new TransferLimits(
      { clock, upload: this.#upload.share(), download: this.#download.share() },
      settings,
    );
  }
}

interface TransferLimitsComponents {
  readonly clock: Clock;
  readonly upload: RateShare;
  readonly download: RateShare;
}

/** Rate limits of one transfer, and its priority relative to the others. */
export class TransferLimits {
  readonly upload: RateShare;
  readonly download: RateShare;
  readonly #clock: Clock;
  #priority: Priority = 'normal';
  #seeding: SeedSettings;

  constructor({ clock, upload, download }: TransferLimitsComponents, settings: LimitSettings) {
    this.#clock = clock;
    this.upload = upload;
    this.download = download;
    this.#seeding = settings;
    this.change(settings);
  }

  /** The persistent state. */
  get settings(): LimitSettings {
    const { seedRatio, seedTimeMs } = this.#seeding;
    const rates = { maxUpload: this.upload.limit, maxDownload: this.download.limit };
    return { ...rates, priority: this.#priority, seedRatio, seedTimeMs };
  }

  change({ maxUpload, maxDownload, priority, ...seeding }: LimitChange): void {
    if (maxUpload !== undefined) this.upload.setLimit(maxUpload, this.#clock.nowMs());
    if (maxDownload !== undefined) this.download.setLimit(maxDownload, this.#clock.nowMs());
    this.#seeding = { ...this.#seeding, ...seeding };
    if (priority === undefined) return;
    this.#priority = priority;
    this.upload.weight = this.download.weight = weightOf(priority);
  }
}
