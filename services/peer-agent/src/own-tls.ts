import { join } from 'node:path';
import { formatAddress } from '@enjambre/common/config/address';
import { isInsecure, joinTokenOf } from '@enjambre/common/config/join-options';
import { openTls, requireTls } from '@enjambre/common/config/tls-options';
import type { Logger } from '@enjambre/common/log/logger';
import { hasJoined, memberPaths } from '@enjambre/common/trust/member-paths';
import type { ProgramTls } from '@enjambre/common/trust/program-tls';
import { REVOCATIONS_FILE } from '@enjambre/common/trust/revocations';
import { openMembership } from '@enjambre/rpc/membership/membership';
import { loadIdentity } from './adapters/state/secrets.js';
import type { AgentConfig } from './config.js';

/**
 * The certificate of an agent: that of its settings, or of the network that it has joined or joins now; undefined if it
 * has none. Throws {@link EnjambreError}.
 */
export async function openOwnTls(config: AgentConfig, log: Logger): Promise<ProgramTls | undefined> {
  const { dataDir, name, tracker: trackers } = config;
  if (isInsecure(config)) return undefined;
  const token = await joinTokenOf(config, hasJoined(dataDir));
  const named = await openTls(config, 'agent', memberPaths(dataDir).key);
  named?.revocations.keepIn(join(dataDir, REVOCATIONS_FILE));
  await named?.revocations.review();
  const about = { role: 'agent', name, trackers: trackers.map(formatAddress), log } as const;
  const paths = memberPaths(dataDir);
  const member = { ...about, paths, token, identity: () => loadIdentity(dataDir) };
  const tls = named ?? (await openMembership(member));
  if (!tls) requireTls(config, addressesOf(config), ['join', 'tls']);
  return tls;
}

function addressesOf({ listen, control, tracker, messaging }: AgentConfig): Parameters<typeof requireTls>[1] {
  return [
    { key: 'listen', address: listen },
    { key: 'control', address: control },
    ...tracker.map((address) => ({ key: 'tracker', address })),
    { key: 'messaging', address: messaging },
  ];
}
