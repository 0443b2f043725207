import { afterEach, describe, expect, test } from '@jest/globals';
import { ShareResponse, TransferState } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { FakeAgent, transferOf } from './fake-agent.js';
import { cli, type CliResult } from './harness.js';

let agent: FakeAgent;

afterEach(() => agent.stop());

async function on(script: FakeAgent['script'], ...args: string[]): Promise<CliResult> {
  agent = await FakeAgent.start({ newer: true, ...script });
  return cli([...args, '--json'], { environment: { ENJAMBRE_AGENT: agent.address } });
}

describe('a command of an older version than its agent', () => {
  test('lists transfers, also in unknown states', async () => {
    const transfers = [transferOf(), transferOf({ name: 'other', state: TransferState.UNRECOGNIZED })];
    const { code, objects } = await on({ transfers: () => transfers }, 'ls');
    expect(code).toBe(0);
    expect(objects()).toMatchObject([{ name: 'model.bin', state: 'seeding' }, { name: 'other' }]);
    expect(objects()[1]).not.toHaveProperty('state');
  });

  test('shares, and ignores unknown messages in between', async () => {
    const share = async function* (): AsyncGenerator<ShareResponse> {
      yield ShareResponse.fromPartial({});
      await Promise.resolve();
      yield ShareResponse.fromPartial({ result: { $case: 'shared', value: { transfer: transferOf() } } });
      yield ShareResponse.fromPartial({});
    };
    const { code, objects } = await on({ share }, 'share', '/data/model.bin');
    expect(code).toBe(0);
    expect(objects().at(-1)).toMatchObject({ name: 'model.bin' });
  });
});
