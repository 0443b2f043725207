import {
  Cause,
  TransferState,
  type Explanation,
  type Transfer,
} from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { shortDigits } from './render/text.js';

const AFTER_CAUSE: Readonly<Partial<Record<Cause, string>>> = {
  [Cause.OWN_LIMIT]: 'see --max-download and `enjambre limit`',
  [Cause.MISSING]: '`enjambre status` shows where it was',
  [Cause.PAUSED]: '`enjambre resume` resumes it',
  [Cause.FAILED]: '`enjambre status` shows why, `enjambre resume` resumes it',
};

/** Why a transfer has failed, has finished or is missing, with the command that fixes it. Older agents name it themselves. */
export function messageOf({ state, message, origin, infohash }: Transfer): string {
  if (state === TransferState.FINISHED)
    return `${message}; \`enjambre resume ${shortDigits(infohash)}\` seeds it without that limit`;
  if (state !== TransferState.MISSING || message === '' || message.includes('`enjambre ')) return message;
  const ref = shortDigits(infohash);
  return origin
    ? `${message}; \`enjambre get ${ref}\` downloads it from other peers`
    : `${message}; \`enjambre verify ${ref}\` downloads it again`;
}

/** What a download waited for most, with the command that helps; none for downloads of less than a second. */
export function conclusionOf({ conclusion, spent: [most], totalTime }: Explanation): string {
  const hint = most && totalTime && totalTime.seconds > 0n ? AFTER_CAUSE[most.cause] : undefined;
  return hint === undefined || conclusion.includes('`enjambre ') ? conclusion : `${conclusion}: ${hint}`;
}
