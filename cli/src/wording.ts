import { flagName } from '@enjambre/common/config/options';
import type { EnjambreError } from '@enjambre/core/error';

// Services report the problem and the remedy; this file adds the flag or command for it.

/** Request fields whose flags have other names. */
const FLAGS: Readonly<Record<string, string | undefined>> = { outputDir: '--output' };

type Facts = Readonly<Record<string, string | undefined>>;

/** The end of an error's message, by its `remedy`. */
const REMEDIES: Readonly<Record<string, ((facts: Facts) => string) | undefined>> = {
  remove: () => ' with `enjambre rm`',
  'remove-first': ({ transfer = 'REF' }) => `, or remove it first with \`enjambre rm ${transfer}\``,
  'remove-other': ({ transfer = 'REF' }) => `, or remove that one with \`enjambre rm ${transfer}\``,
  'remove-part': ({ transfer = 'REF' }) =>
    ` (\`enjambre rm ${transfer} --data\` deletes its files, \`enjambre rm ${transfer}\` keeps them)`,
  'replace-other': ({ transfer = 'REF' }) =>
    `, replace it with --replace, or remove that one with \`enjambre rm ${transfer}\``,
  'choose-publisher': () => '; or choose the publisher with --publisher',
  'see-transfers': () => ': see `enjambre ls`',
  'see-files': () => ': see `enjambre files` for shared files',
  'see-bans': () => ': see `enjambre peers --banned`',
  'list-rooms': () => ': `enjambre rooms` shows the rooms and their members',
  'read-inbox': () => ' with `enjambre inbox`',
  'set-messaging': () => ': start it with --messaging HOST:PORT',
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
