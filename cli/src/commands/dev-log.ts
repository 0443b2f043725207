import { openSync } from 'node:fs';
import { mkdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { isatty } from 'node:tty';
import {
  formatAddress,
  isLoopbackHost,
  isUnspecifiedHost,
  type Address,
} from '@enjambre/common/config/address';
import type { Environment, Option, Resolved } from '@enjambre/common/config/options';
import { commonOptions, hostName, outputSchema } from '@enjambre/common/config/schemas';
import { createLogger, type Logger } from '@enjambre/common/log/logger';
import { standardOutput } from '@enjambre/common/log/standard-output';
import { systemErrorText } from '@enjambre/common/system-error';
import { EnjambreError } from '@enjambre/core/error';
import { CA_FOLDER } from '@enjambre/common/trust/ca-folder';
import { agentOptions } from '@enjambre/peer-agent/config';

const STDOUT = 1;
const NAME = 'dev.log';
/** A longer log of earlier runs is renamed to "dev.log.1". */
const MAX_BYTES = 10 << 20;

/** The flag of `enjambre dev` for its log. */
export const logOptions = {
  logFile: {
    placeholder: 'FILE',
    description:
      'file for the log, - for standard output; by default <data-dir>/dev.log on a terminal, else standard output',
    schema: outputSchema.optional(),
  },
} satisfies Record<string, Option>;

/** All flags that the log depends on. */
export const devLogOptions = {
  ...logOptions,
  logLevel: commonOptions.logLevel,
  logFormat: commonOptions.logFormat,
  dataDir: agentOptions.dataDir,
};

interface Served {
  readonly address: Address;
}

interface Started {
  readonly name: string;
  readonly dataDir: string;
  readonly tracker: Served;
  readonly messaging: Served;
  readonly agent: Served;
  /** Makes a token for other machines; absent without TLS. */
  readonly joinToken?: (() => string) | undefined;
}

/** Where `enjambre dev` logs. */
export interface DevLog {
  logger(name: string): Logger;
  /** Reports what runs and what to type next, unless the log itself is on standard output. */
  started(services: Started): void;
}

/** Throws `denied` CANNOT_WRITE if the file cannot be opened. */
export async function openDevLog(
  { logFile, logLevel: level, logFormat: format, dataDir }: Resolved<typeof devLogOptions>,
  environment: Environment,
): Promise<DevLog> {
  const file = logFile ?? (isatty(STDOUT) ? join(dataDir, NAME) : '-');
  if (file === '-') {
    const logger = (name: string): Logger => createLogger({ name, level, format });
    return { logger, started: (services) => tellHowToJoin(logger('dev'), services, environment) };
  }
  if (logFile === undefined) await mkdir(dataDir, { recursive: true, mode: 0o700 }).catch(refuse(dataDir));
  await setAside(file).catch(refuse(file));
  const fd = opened(file);
  return {
    logger: (name) => createLogger({ name, level, format, fd }),
    started: (services) => {
      standardOutput(STDOUT).write(`${summary(file, services, environment).join('\n')}\n`);
    },
  };
}

/** Without the token: logs are kept, and read by others. */
function tellHowToJoin(
  log: Logger,
  { dataDir, tracker, messaging, joinToken }: Started,
  environment: Environment,
): void {
  const [to, by] = [tracker, messaging].map(({ address }) => reachable(address, environment));
  if (!joinToken || to === undefined || by === undefined) return;
  const command = `enjambre agent --tracker ${to} --messaging ${by} --join TOKEN`;
  log.info(
    `other machines join with "${command}"; "enjambre ca token --ca ${join(dataDir, CA_FOLDER)}" prints a token`,
  );
}

/** A plain descriptor: that of a FileHandle is closed when the handle is collected. */
function opened(file: string): number {
  try {
    return openSync(file, 'a', 0o600);
  } catch (error) {
    return refuse(file)(error);
  }
}

async function setAside(file: string): Promise<void> {
  const found = await stat(file).catch(() => undefined);
  if (found?.isFile() && found.size > MAX_BYTES) await rename(file, `${file}.1`);
}

function refuse(path: string): (error: unknown) => never {
  return (error) => {
    const message = `the log file ${path} cannot be written (${systemErrorText(error)}): choose another with --log-file, or - for standard output`;
    throw new EnjambreError('denied', 'CANNOT_WRITE', message, { cause: error });
  };
}

/** Lines for people. */
function summary(
  file: string,
  { name, dataDir, tracker, messaging, agent, joinToken }: Started,
  environment: Environment,
): string[] {
  const flag = dataDir === agentOptions.dataDir.default.find(environment) ? '' : ` --data-dir ${dataDir}`;
  const [to, by] = [tracker, messaging].map(({ address }) => reachable(address, environment));
  return [
    `tracker, messaging service and agent ${name} are running; Ctrl-C stops them`,
    `  tracker    ${formatAddress(tracker.address)}`,
    `  messaging  ${formatAddress(messaging.address)}`,
    `  agent      ${formatAddress(agent.address)}`,
    `  log        ${file}`,
    '',
    'Next, in another terminal:',
    `  enjambre share${flag} PATH        share a file or folder`,
    `  enjambre files${flag}             list what is shared`,
    `  enjambre events${flag} --follow   watch the network`,
    ...(to === undefined || by === undefined
      ? []
      : [
          'On another machine, join and download:',
          `  enjambre agent --tracker ${to} --messaging ${by} ${joinToken ? `--join ${joinToken()}` : '--insecure'}`,
          '  enjambre get NAME',
        ]),
  ];
}

/** The address for other machines, as far as it is known here; undefined if it is for this machine only. */
function reachable(address: Address, environment: Environment): string | undefined {
  if (address.kind === 'tcp' && isLoopbackHost(address.host)) return undefined;
  if (address.kind !== 'tcp' || !isUnspecifiedHost(address.host)) return formatAddress(address);
  return formatAddress({ ...address, host: hostName.find(environment) ?? 'localhost' });
}
