import type { LimitChange, LimitSettings, RateSettings } from '../../domain/limits/limit-settings.js';
import { weightOf, type Priority } from '../../domain/limits/priority.js';
import { RateLimiter, type RateShare } from '../../domain/limits/rate-limiter.js';

const now = (): number => performance.now();

/** How fast the agent may send and receive, all transfers together. */
export class AgentLimits {
  readonly #upload: RateLimiter;
  readonly #download: RateLimiter;

  constructor({ maxUpload, maxDownload }: RateSettings) {
    this.#upload = new RateLimiter(maxUpload);
    this.#download = new RateLimiter(maxDownload);
  }

  get settings(): RateSettings {
    return { maxUpload: this.#upload.limit, maxDownload: this.#download.limit };
  }

  /** Holds until the agent ends: what it starts with is said by its flags. */
  change({ maxUpload, maxDownload }: Partial<RateSettings>): void {
    if (maxUpload !== undefined) this.#upload.setLimit(maxUpload, now());
    if (maxDownload !== undefined) this.#download.setLimit(maxDownload, now());
  }

  /** Those of one transfer, within these. */
  forTransfer(settings: LimitSettings): TransferLimits {
    return new TransferLimits({ upload: this.#upload.share(), download: this.#download.share() }, settings);
  }
}

/** How fast one transfer may send and receive, and how it counts beside the others. */
export class TransferLimits {
  readonly upload: RateShare;
  readonly download: RateShare;
  #priority: Priority = 'normal';

  constructor({ upload, download }: Pick<TransferLimits, 'upload' | 'download'>, settings: LimitSettings) {
    this.upload = upload;
    this.download = download;
    this.change(settings);
  }

  /** What is to outlive the process. */
  get settings(): LimitSettings {
    return { maxUpload: this.upload.limit, maxDownload: this.download.limit, priority: this.#priority };
  }

  change({ maxUpload, maxDownload, priority }: LimitChange): void {
    if (maxUpload !== undefined) this.upload.setLimit(maxUpload, now());
    if (maxDownload !== undefined) this.download.setLimit(maxDownload, now());
    if (priority === undefined) return;
    this.#priority = priority;
    this.upload.weight = this.download.weight = weightOf(priority);
  }
}
