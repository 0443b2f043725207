import { join } from 'node:path';
import { formatAddress } from '@enjambre/common/config/address';
import { isInsecure, joinTokenOf } from '@enjambre/common/config/join-options';
import { flagName } from '@enjambre/common/config/options';
import { openTls } from '@enjambre/common/config/tls-options';
import { loadOrMakeKey } from '@enjambre/common/identity/key-file';
import { createLogger } from '@enjambre/common/log/logger';
import { isMember } from '@enjambre/common/trust/member-paths';
import type { ProgramTls } from '@enjambre/common/trust/program-tls';
import { REVOCATIONS_FILE } from '@enjambre/common/trust/revocations';
import { tlsPathsIn } from '@enjambre/common/trust/tls-store';
import { EnjambreError } from '@enjambre/core/error';
import type { MessagingConfig } from './config.js';

/**
 * The certificate of the messaging service: that of its settings, or of the network that it has joined or joins now;
 * undefined if it has none. Throws {@link EnjambreError}.
 */
export async function openOwnTls(config: MessagingConfig): Promise<ProgramTls | undefined> {
  const { dataDir, name, tracker: trackers = [], logLevel: level, logFormat: format } = config;
  if (isInsecure(config)) return undefined;
  const named = await openTls(config, 'messaging');
  if (named && dataDir !== undefined && trackers.length > 0) {
    named.revocations.keepIn(join(dataDir, REVOCATIONS_FILE));
    await named.revocations.review();
  }
  if (named) return named;
  const paths = dataDir === undefined ? undefined : tlsPathsIn(join(dataDir, 'tls'));
  const token = await joinTokenOf(config, paths !== undefined && isMember(paths));
  if (!paths) {
    if (token === undefined) return undefined;
    const message = `${flagName('join')} needs a folder for the certificate: name it with ${flagName('dataDir')}`;
    throw new EnjambreError('invalid', 'BAD_OPTION', message);
  }
  if (!isMember(paths) && token === undefined) return undefined;
  // Loaded by a service that joins only.
  const { openMembership } = await import('@enjambre/rpc/membership/membership');
  const log = createLogger({ name: 'messaging', level, format });
  return openMembership({
    ...{ paths, role: 'messaging', name, log, token },
    trackers: trackers.map(formatAddress),
    identity: () => loadOrMakeKey(paths.key),
  });
}
