import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { ConfigFile } from '@enjambre/common/config/config-file';
import { defaultConfigPath } from '@enjambre/common/config/default-config-path';
import { belowHome, unlessHomeless } from '@enjambre/common/config/home-folder';
import { EnjambreError } from '@enjambre/core/error';
import type { Given } from './client-command.js';
import type { ConnectionFlags, ContextValues } from './connection.js';
import type { Context, Session } from './context.js';
import { text } from './option-values.js';
import { pathFrom } from './working-folder.js';

/**
 * The configuration file: `--config`, ENJAMBRE_CONFIG or the user's. Undefined if there is none. Throws `not-found`
 * PATH_NOT_FOUND for one that was named, unless it may be missing; `denied` PATH_NOT_READABLE and `invalid` BAD_CONFIG.
 */
export async function configFileOf(
  given: Given,
  context: Context,
  { mayBeMissing = false } = {},
): Promise<ConfigFile | undefined> {
  const named = namedConfig(given, context);
  const path = named ?? unlessHomeless(() => defaultConfigPath(context.environment));
  if (path === undefined) return undefined;
  const file = existsSync(path)
    ? await (await import('@enjambre/common/config/config-file')).readConfigFile(path)
    : undefined;
  if (file || named === undefined || mayBeMissing) return file;
  throw new EnjambreError('not-found', 'PATH_NOT_FOUND', `there is no configuration file ${path}`);
}

/** The path of the configuration file, whether it exists or not. Throws as `homeFolder` does. */
export function configPathOf(given: Given, context: Context): string {
  return namedConfig(given, context) ?? defaultConfigPath(context.environment);
}

function namedConfig(given: Given, context: Context): string | undefined {
  const named = text(given.config) ?? (context.environment['ENJAMBRE_CONFIG'] || undefined);
  return named === undefined ? undefined : pathFrom(context, named);
}

/** How a command reaches its agent: flags, and the context of the configuration file. Throws as {@link configFileOf}. */
export async function connectionOf(
  given: Given,
  context: Context,
): Promise<Pick<Session, 'connection' | 'config'>> {
  const config = await configFileOf(given, context);
  const connection = {
    agent: text(given.agent),
    token: text(given.token),
    tokenFile: text(given.tokenFile),
    dataDir: text(given.dataDir),
    tracker: text(given.tracker),
    ...tlsOf(given),
    context: contextOf(config, given, context),
  };
  return { connection, config };
}

/** The flags of TLS. */
export function tlsOf(given: Given): Pick<ConnectionFlags, 'tls' | 'insecure'> {
  return { tls: text(given.tls), insecure: given.insecure === true };
}

/** The chosen context. Throws `not-found` NO_CONTEXT for one that the file does not have. */
function contextOf(
  config: ConfigFile | undefined,
  given: Given,
  { environment }: Context,
): ContextValues | undefined {
  const [chosen, by] =
    [
      [text(given.context), '--context'],
      [environment['ENJAMBRE_CONTEXT'] || undefined, 'ENJAMBRE_CONTEXT'],
      [config?.currentContext, `${config?.path}: current-context`],
    ].find(([name]) => name !== undefined) ?? [];
  if (chosen === undefined) return undefined;
  const its = config?.contexts.get(chosen);
  if (config && its) {
    const { agent, tracker, 'data-dir': dataDir, 'token-file': tokenFile } = its;
    const values = {
      agent,
      tracker,
      dataDir: placed(dataDir, config, environment),
      tokenFile: placed(tokenFile, config, environment),
      tls: placed(its.tls, config, environment),
    };
    return { source: `${config.path}: contexts.${chosen}`, values };
  }
  const known = [...(config?.contexts.keys() ?? [])];
  const others =
    known.length > 0 ? `it has ${known.join(', ')}` : 'add it with `enjambre config set-context`';
  const message = `${by}: there is no context "${chosen}" in ${config?.path ?? 'a configuration file'}: ${others}`;
  throw new EnjambreError('not-found', 'NO_CONTEXT', message);
}

/** A path in the file: relative to its folder, or below the home folder. */
function placed(
  path: string | undefined,
  { path: file }: ConfigFile,
  environment: Context['environment'],
): string | undefined {
  if (path === undefined) return undefined;
  return belowHome(path, environment, file) ?? resolve(dirname(file), path);
}
