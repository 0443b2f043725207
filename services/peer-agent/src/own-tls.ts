import { join } from 'node:path';
import { formatAddress } from '@enjambre/common/config/address';
import { joinTokenOf } from '@enjambre/common/config/join-options';
import { flagName } from '@enjambre/common/config/options';
import { openTls } from '@enjambre/common/config/tls-options';
import type { Logger } from '@enjambre/common/log/logger';
import { hasJoined, memberPaths } from '@enjambre/common/trust/member-paths';
import type { ProgramTls } from '@enjambre/common/trust/program-tls';
import { REVOCATIONS_FILE } from '@enjambre/common/trust/revocations';
import { EnjambreError } from '@enjambre/core/error';
import { openMembership } from '@enjambre/rpc/membership/membership';
import { loadIdentity } from './adapters/state/secrets.js';
import type { AgentConfig } from './config.js';

/**
 * The certificate of an agent: that of its settings, or of the network that it has joined or joins now; undefined if it
 * has none. Throws {@link EnjambreError}.
 */
export async function openOwnTls(config: AgentConfig, log: Logger): Promise<ProgramTls | undefined> {
  const { dataDir, name, tracker: trackers, insecure } = config;
  if (insecure && (config.join ?? config.joinFile) !== undefined) {
    const message = `${flagName('insecure')} and ${flagName('join')} exclude each other: a network that is joined has TLS`;
    throw new EnjambreError('invalid', 'BAD_OPTION', message);
  }
  if (insecure) return undefined;
  const token = await joinTokenOf(config, hasJoined(dataDir));
  const named = await openTls(config, 'agent', memberPaths(dataDir).key);
  named?.revocations.keepIn(join(dataDir, REVOCATIONS_FILE));
  await named?.revocations.review();
  const about = { role: 'agent', name, trackers: trackers.map(formatAddress), log } as const;
  const paths = memberPaths(dataDir);
  return named ?? openMembership({ ...about, paths, token, identity: () => loadIdentity(dataDir) });
}
