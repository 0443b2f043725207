import { readFile } from 'node:fs/promises';
import { EnjambreError } from '@enjambre/core/error';
import { z } from 'zod';
import { errnoOf, systemErrorText } from '../system-error.js';
import { flagName, type Option } from './options.js';
import { pathSchema } from './schemas.js';

/** Of a program that joins a network. */
export const joinOptions = {
  join: {
    placeholder: 'TOKEN',
    description:
      'join token of "enjambre ca token": at the first start, gets a certificate for mutual TLS from the tracker, and keeps it in tls in the data folder',
    schema: z.string().optional(),
  },
  joinFile: {
    placeholder: 'FILE',
    description: 'file with a join token, instead of --join: other users of the machine see command lines',
    schema: pathSchema.optional(),
  },
} satisfies Record<string, Option>;

export interface JoinConfig {
  readonly join?: string | undefined;
  readonly joinFile?: string | undefined;
}

/** True if a program is to use no TLS. Throws `invalid`, BAD_OPTION, if it is to join a network as well. */
export function isInsecure({
  insecure,
  join,
  joinFile,
}: JoinConfig & { readonly insecure: boolean }): boolean {
  if (!insecure || (join ?? joinFile) === undefined) return insecure;
  throw bad(
    `${flagName('insecure')} and ${flagName(join === undefined ? 'joinFile' : 'join')} exclude each other: a network that is joined has TLS`,
  );
}

const MAX_CHARS = 8192;

/**
 * The join token; undefined if none is named. Throws `invalid`, BAD_OPTION.
 *
 * @param isMember true if the program has joined: then the file may be gone
 */
export async function joinTokenOf(
  { join, joinFile }: JoinConfig,
  isMember: boolean,
): Promise<string | undefined> {
  if (joinFile === undefined) return join;
  if (join !== undefined) throw bad(`${flagName('join')} and ${flagName('joinFile')} exclude each other`);
  try {
    return (await readFile(joinFile, 'utf8')).trim().slice(0, MAX_CHARS);
  } catch (error) {
    if (isMember && errnoOf(error) === 'ENOENT') return undefined;
    throw bad(
      `cannot read ${joinFile} (${systemErrorText(error)}): write a token of "enjambre ca token" to it`,
    );
  }
}

function bad(message: string): EnjambreError {
  return new EnjambreError('invalid', 'BAD_OPTION', message);
}
