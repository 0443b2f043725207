import { Option as CommanderOption, type Command } from 'commander';
import {
  flagName,
  variableName,
  type Flags,
  type Option,
  type OptionTable,
  type Service,
} from '@enjambre/common/config/options';

/**
 * Adds a flag to `command` for each option of a service's table, described with its default and variable.
 *
 * @param serviceOf the service whose variable an option has
 */
export function addServiceOptions(
  command: Command,
  table: OptionTable,
  serviceOf: (key: string) => Service | undefined,
): void {
  for (const [key, option] of Object.entries(table))
    command.addOption(serviceOption(key, option, serviceOf(key)));
}

function serviceOption(key: string, option: Option, service: Service | undefined): CommanderOption {
  const value = option.isSwitch ? '' : ` <${option.placeholder}>`;
  const made = new CommanderOption(`${flagName(key)}${value}`, describe(key, option, service));
  return option.repeatable ? made.argParser(append) : made;
}

function describe(
  key: string,
  { description, default: fallback, repeatable }: Option,
  service: Service | undefined,
): string {
  const facts = [
    ...(repeatable ? ['may be repeated'] : []),
    ...(fallback === undefined
      ? []
      : [`default ${typeof fallback === 'string' ? fallback : fallback.shown}`]),
    variableName(key, service),
  ];
  return `${description} (${facts.join('; ')})`;
}

/** Parser of repeatable options. */
export function append(value: string, previous: readonly string[] | undefined): readonly string[] {
  return [...(previous ?? []), value];
}

/** The values given on the command line for the options in `table`; --json, --quiet and --verbose are about the log. */
export function serviceFlags(table: OptionTable, given: Readonly<Record<string, unknown>>): Flags {
  const flags: Record<string, string | readonly string[] | undefined> = {};
  for (const key of Object.keys(table)) {
    const value = given[key];
    if (typeof value === 'string') flags[key] = value;
    else if (Array.isArray(value)) flags[key] = value.map(String);
    else if (value === true) flags[key] = 'true';
  }
  if (given.json === true && 'logFormat' in table) flags.logFormat ??= 'json';
  const level = given.verbose === true ? 'debug' : given.quiet === true ? 'warn' : undefined;
  if (level !== undefined && 'logLevel' in table) flags.logLevel ??= level;
  return flags;
}
