import { AgentServiceService } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import type { Attack } from '../attack.js';
import { steadily } from '../flood.js';
import { reach } from '../reach.js';

/** Calls with wrong control tokens; `targets.seeder` is the control port. */
export const controlTokens: Attack = async (run) => {
  let connection = await reach(run, run.targets.seeder);
  run.tally.inFullSwing = true;
  await steadily(run, run.count, async (number) => {
    if (!connection?.isOpen) connection = await reach(run, run.targets.seeder);
    const token: readonly [string, string] = ['authorization', `Bearer wrong-${number}`];
    connection?.call(AgentServiceService.listTransfers.path, [token]).send(new Uint8Array()).end();
  });
  connection?.close();
};
