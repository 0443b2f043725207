import { flagName } from '@enjambre/common/config/options';
import type { EnjambreError } from '@enjambre/core/error';
import {
  Cause,
  TransferState,
  type Explanation,
  type Transfer,
} from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { shortDigits } from './render/text.js';

// Services report the problem and the remedy; this file adds the flag or command for it.

/** Request fields whose flags have other names. */
const FLAGS: Readonly<Record<string, string | undefined>> = { outputDir: '--output' };

type Facts = Readonly<Record<string, string | undefined>>;

/** The end of an error's message, by its `remedy`. */
const REMEDIES: Readonly<Record<string, ((facts: Facts) => string) | undefined>> = {
  remove: () => ' with `enjambre rm`',
  'remove-first': ({ transfer = 'REF' }) => `, or remove it first with \`enjambre rm ${transfer}\``,
  'remove-other': ({ transfer = 'REF' }) => `, or remove that one with \`enjambre rm ${transfer}\``,
  'see-transfers': () => ': see `enjambre ls`',
  'see-files': () => ': see `enjambre files` for shared files',
  'see-bans': () => ': see `enjambre peers --banned`',
  'list-rooms': () => ': `enjambre rooms` shows the rooms and their members',
  'read-inbox': () => ' with `enjambre inbox`',
  'set-messaging': () => ': start it with --messaging HOST:PORT',
};

const AFTER_CAUSE: Readonly<Partial<Record<Cause, string>>> = {
  [Cause.OWN_LIMIT]: 'see --max-download and `enjambre limit`',
  [Cause.MISSING]: '`enjambre status` shows where it was',
  [Cause.PAUSED]: '`enjambre resume` resumes it',
  [Cause.FAILED]: '`enjambre status` shows why, `enjambre resume` resumes it',
};

/** The message of an error, with the flag or command that fixes it. */
export function messageWithRemedy({ message, metadata }: EnjambreError): string {
  const facts: Facts = metadata;
  const flag = facts.setting === undefined ? '' : ` with ${flagOf(facts.setting)}`;
  return message + flag + (REMEDIES[facts.remedy ?? '']?.(facts) ?? '');
}

/** "sharedLinks=anywhere" → "--shared-links anywhere" */
function flagOf(setting: string): string {
  const [key = '', ...value] = setting.split('=');
  return [FLAGS[key] ?? flagName(key), ...value].join(' ');
}

/** Why a transfer has failed or is missing, with the command that fixes it. Older agents name it themselves. */
export function reasonOf({ state, reason, origin, infohash }: Transfer): string {
  if (state !== TransferState.MISSING || reason === '' || reason.includes('`enjambre ')) return reason;
  const ref = shortDigits(infohash);
  return origin
    ? `${reason}; \`enjambre get ${ref}\` downloads it from other peers`
    : `${reason}; \`enjambre verify ${ref}\` downloads it again`;
}

/** What a download waited for most, with the command that helps; none for downloads of less than a second. */
export function conclusionOf({ conclusion, spent: [most], totalTime }: Explanation): string {
  const hint = most && totalTime && totalTime.seconds > 0n ? AFTER_CAUSE[most.cause] : undefined;
  return hint === undefined || conclusion.includes('`enjambre ') ? conclusion : `${conclusion}: ${hint}`;
}
