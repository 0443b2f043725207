import { openTls } from '@enjambre/common/config/tls-options';
import { hasJoined, memberPaths } from '@enjambre/common/trust/member-paths';
import { TlsStore } from '@enjambre/common/trust/tls-store';
import { messageOf } from '@enjambre/core/error';
import type { AgentConfig } from '@enjambre/peer-agent/config';
import type { CertificateFacts } from './judge-certificate.js';

/** Reads the certificate that the agent uses, or will use when it starts. */
export async function gatherCertificate(
  config: Partial<AgentConfig>,
  dataDir: string,
): Promise<CertificateFacts> {
  if (config.insecure === true) return { kind: 'none' };
  try {
    const named = await openTls(config, 'agent', memberPaths(dataDir).key);
    const isMember = !named && hasJoined(dataDir);
    const tls = named ?? (isMember ? await TlsStore.open(memberPaths(dataDir)) : undefined);
    if (!tls) return { kind: 'none' };
    const { identity, notBefore, notAfter } = tls.current;
    return {
      kind: 'valid',
      network: identity.network,
      may: identity.may,
      notBefore: notBefore.getTime(),
      notAfter: notAfter.getTime(),
      isMember,
      takesPlaintext: config.tlsMode === 'prefer',
    };
  } catch (error) {
    return { kind: 'unusable', problem: messageOf(error) };
  }
}
