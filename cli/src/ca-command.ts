import { InvalidArgumentError } from 'commander';
import { parseDuration } from '@enjambre/common/config/parse-quantities';
import { messageOf } from '@enjambre/core/error';
import { parsePermission, RIGHTS, type Permission } from '@enjambre/core/trust/rights';
import { isRole, ROLES } from '@enjambre/core/trust/certified-identity';
import type { ClientCommand } from './client-command.js';
import { onDisk, present, wholeNumber } from './option-values.js';
import { append } from './service-options.js';

const ACTIONS = ['init', 'issue', 'token', 'intermediate', 'rotate', 'revoke', 'ls'] as const;

function role(value: string): string {
  if (isRole(value)) return value;
  throw new InvalidArgumentError(`It must be one of ${ROLES.join(', ')}.`);
}

/** Adds a permission to those before. */
function permission(value: string, previous: readonly Permission[] | undefined): Permission[] {
  try {
    return [...(previous ?? []), parsePermission(value)];
  } catch (error) {
    throw new InvalidArgumentError(`${messageOf(error)}.`);
  }
}

/** Milliseconds. */
function lifetime(value: string): number {
  try {
    const ms = parseDuration(value);
    if (ms > 0) return ms;
  } catch {
    // Worded below.
  }
  throw new InvalidArgumentError('It must be a duration, such as 12h, 7d or 365d.');
}

/** `enjambre ca`: the certificate authority of a network. */
export const CA: ClientCommand = {
  usage: 'ca <ACTION> [PEER...]',
  summary: 'create the CA of a network, issue certificates and join tokens for TLS, and revoke them',
  choices: { ACTION: ACTIONS },
  flags: [
    {
      flags: '--ca <DIR>',
      description:
        'folder of the CA, with ca.crt and ca.key (default ~/.local/share/enjambre/ca, that of `enjambre dev`)',
      parse: onDisk('--ca'),
      kind: 'folder',
    },
    {
      flags: '--network <NAME>',
      description: 'init: name of the network, in all its certificates (default enjambre)',
      parse: present('--network: a name is missing'),
    },
    {
      flags: '--out <DIR>',
      description:
        'issue: folder for ca.crt, tls.crt and tls.key; a key that it holds stays; intermediate: folder for `tracker --ca`',
      parse: onDisk('--out'),
      kind: 'folder',
    },
    {
      flags: '--role <ROLE>',
      description: `issue: what the holder is: ${ROLES.join(', ')} (default agent)`,
      parse: role,
    },
    {
      flags: '--may <RIGHT:PATTERN>',
      description: `issue, token: a right for the files that match PATTERN, such as get:llama-*; rights are ${RIGHTS.join(', ')} (may be repeated; default all that the role allows)`,
      parse: permission,
    },
    {
      flags: '--name <PATTERN>',
      description:
        "issue, token: name that the holder may have, such as 'web-*' (may be repeated; default any)",
      parse: (value: string, previous: readonly string[] | undefined) =>
        append(present('--name: a name is missing')(value), previous),
    },
    {
      flags: '--ttl <DURATION>',
      description:
        'time until it expires (default init and rotate: 3650d, issue and intermediate: 90d, token: 1h)',
      parse: lifetime,
    },
    {
      flags: '--uses <N>',
      description: 'token: number of machines that may join with it (default 1)',
      parse: wholeNumber(10_000),
    },
    {
      flags: '--serial <HEX>',
      description: 'revoke: one certificate, by its serial number of `ca ls` (may be repeated)',
      parse: (value: string, previous: readonly string[] | undefined) =>
        append(present('--serial: a serial number is missing')(value), previous),
    },
  ],
  notes: `
  enjambre ca init --network prod                          once; keep ca.key secret
  enjambre ca issue --role tracker --out /etc/enjambre/tls   then: enjambre tracker --tls /etc/enjambre/tls
  enjambre ca issue --name 'web-*' --out web-1             for an agent; copy the folder to its machine
  enjambre ca token --name 'web-*' --uses 20 --ttl 12h     for agents: enjambre agent --join TOKEN
  enjambre ca intermediate --ca ROOT --out tracker-ca      for tracker --ca; ROOT stays off line
  enjambre ca rotate                                       three times: a new CA, without a restart
  enjambre ca revoke web-1                                 its connections end within seconds
  enjambre ca issue --role tracker --out /etc/enjambre/tls   again, to renew: the program uses it within seconds`,
  alone: true,
  handle: async (session, args, given) => (await import('./commands/ca.js')).ca(session, args, given),
};
