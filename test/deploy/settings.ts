import { Command } from 'commander';
import type { IContainer } from 'kubernetes-models/v1/Container';
import {
  resolveOptions,
  variableName,
  type OptionTable,
  type Service,
} from '@enjambre/common/config/options';
import { agentOptions } from '@enjambre/peer-agent/config';
import { messagingOptions } from '@enjambre/messaging/config';
import { trackerOptions } from '@enjambre/tracker/config';
import { addServiceOptions, serviceFlags } from '../../cli/src/service-options.js';

const TABLES: Readonly<Record<string, OptionTable>> = {
  tracker: trackerOptions,
  messaging: messagingOptions,
  agent: agentOptions,
};
export const SERVICES = Object.keys(TABLES);

/**
 * The settings of a service for a command line and environment, as the `enjambre` command reads them. Throws for an
 * unknown flag, variable or value.
 */
export function settingsOf(
  [service = '', ...args]: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Readonly<Record<string, unknown>> {
  const table = TABLES[service];
  if (!table) throw new Error(`"${service}" is not a service`);
  const name = service as Service;
  const known = new Set(
    Object.entries(table).flatMap(([key, { shared }]) => [
      variableName(key, name),
      ...(shared ? [variableName(key)] : []),
    ]),
  );
  const unknown = Object.keys(environment).filter((name) => name.startsWith('ENJAMBRE_') && !known.has(name));
  if (unknown.length > 0) throw new Error(`${service} does not read ${unknown.join(', ')}`);
  const command = new Command(service).exitOverride().configureOutput({ writeErr: () => undefined });
  addServiceOptions(command, table, () => name);
  command.parse(args, { from: 'user' });
  return resolveOptions(table, serviceFlags(table, command.opts()), environment, { service: name });
}

/** Default listen port of a service. */
export function defaultPortOf(service: string): number {
  return (settingsOf([service]).listen as { port: number }).port;
}

/** The same for a container, with a value for each variable from the pod's fields. */
export function settingsOfContainer({ args = [], env = [] }: IContainer): Readonly<Record<string, unknown>> {
  const environment = Object.fromEntries(
    env.map(({ name, value }) => [name, value ?? `some-${name.toLowerCase()}`]),
  );
  const filled = args.map((arg) =>
    arg.replace(/\$\((\w+)\)/g, (_, name: string) => {
      const value = environment[name];
      if (value === undefined) throw new Error(`$(${name}) is not in the container's environment`);
      return value;
    }),
  );
  return settingsOf(filled, environment);
}
