import { belowHome } from '@enjambre/common/config/home-folder';
import type { TlsPaths } from '@enjambre/common/trust/tls-store';
import { dataDir, type ConnectionFlags } from './connection.js';
import type { Context } from './context.js';
import { pathFrom } from './working-folder.js';

/**
 * The same context, whose connections have a certificate: that of `--tls`, of the context of the configuration file, or
 * of the network that the agent has joined. A unix socket needs none.
 */
export function securedBy(connection: ConnectionFlags, context: Context): Context {
  const dialer = async (): ReturnType<Context['dialer']> =>
    context.dialer(await pathsOf(connection, context));
  return Object.create(context, { dialer: { value: dialer } }) as Context;
}

async function pathsOf(connection: ConnectionFlags, context: Context): Promise<TlsPaths | undefined> {
  const { tls, insecure } = connection;
  const folder =
    tls === undefined
      ? connection.context?.values.tls
      : (belowHome(tls, context.environment, '--tls') ?? pathFrom(context, tls));
  if (insecure === true) return undefined;
  if (folder !== undefined) return (await import('@enjambre/common/trust/tls-store')).tlsPathsIn(folder);
  const ofAgent = await dataDir(connection, context).catch(() => undefined);
  const { hasJoined, memberPaths } = await import('@enjambre/common/trust/member-paths');
  return ofAgent !== undefined && hasJoined(ofAgent) ? memberPaths(ofAgent) : undefined;
}
