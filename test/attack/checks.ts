import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { Check } from './scenario.js';
import type { Stage } from './stage.js';

const REFUSED_MS = 20_000;

/** A download by this ref must fail with an error, and leave nothing hidden in the download folder. */
export async function checkRefused(
  stage: Stage,
  ref: string,
  { what }: { readonly what: string },
): Promise<Check> {
  const { downloader } = stage;
  try {
    const { path, infohash } = await downloader.finish(ref, REFUSED_MS);
    await downloader.remove(infohash).catch(() => undefined);
    return { what, holds: false, seen: `it was downloaded to ${path}` };
  } catch (error) {
    const { message } = error as Error;
    const hasHidden = await access(join(downloader.agent.downloadDir, '.ssh')).then(
      () => true,
      () => false,
    );
    const isTimeout = /cancel|no answer within/i.test(message);
    return {
      what,
      holds: !hasHidden && !isTimeout,
      seen: hasHidden ? '.ssh was written' : message,
    };
  }
}
