import { describe, expect, test } from '@jest/globals';
import { Command } from 'commander';
import { labelsSchema, nameSchema, pathSchema } from '@enjambre/common/config/schemas';
import { addServiceOptions, serviceFlags } from './service-options.js';

const table = {
  dataDir: {
    placeholder: 'DIR',
    description: 'where state is kept',
    schema: pathSchema,
    default: '/var/lib',
  },
  label: {
    placeholder: 'KEY=VALUE',
    description: 'where it stands',
    schema: labelsSchema,
    repeatable: true,
  },
  logFormat: { placeholder: 'FORMAT', description: 'how to log', schema: nameSchema },
};

function parse(...args: string[]): ReturnType<typeof serviceFlags> {
  const command = new Command('agent').option('--json');
  addServiceOptions(command, table, () => 'agent');
  return serviceFlags(table, command.parse(args, { from: 'user' }).opts());
}

describe('flags of a service', () => {
  test('come from its table, with default and variable in the help', () => {
    const command = new Command('agent');
    addServiceOptions(command, table, () => 'agent');
    const help = command.helpInformation().replace(/\s+/g, ' ');

    expect(help).toContain(
      '--data-dir <DIR> where state is kept (default /var/lib; ENJAMBRE_AGENT_DATA_DIR)',
    );
    expect(help).toContain('--label <KEY=VALUE> where it stands (may be repeated; ENJAMBRE_AGENT_LABEL)');
  });

  test('are strings; repeatable ones are lists; missing ones are absent', () => {
    expect(parse('--data-dir', '/tmp', '--label', 'zone=a', '--label', 'node=b')).toEqual({
      dataDir: '/tmp',
      label: ['zone=a', 'node=b'],
    });
    expect(parse()).toEqual({});
  });

  test('--json means JSON logs, unless the format is given', () => {
    expect(parse('--json')).toEqual({ logFormat: 'json' });
    expect(parse('--json', '--log-format', 'pretty')).toEqual({ logFormat: 'pretty' });
  });
});
