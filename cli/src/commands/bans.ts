import { EnjambreError } from '@enjambre/core/error';
import type { Ban } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { withAgent } from '../agent-client.js';
import type { Session } from '../context.js';
import type { Screen } from '../output.js';
import { forEach } from '../several.js';
import { banJson } from '../render/json.js';
import { table } from '../render/table.js';
import { formatAgo, formatIn, plain, shortDigits } from '../render/text.js';

/** `enjambre peers --banned`: the peers banned by this agent, and why. */
export async function banned(session: Session, ref: string): Promise<void> {
  if (ref !== '' || session.connection.tracker !== undefined) {
    const message = '--banned lists the bans of one agent: use it without REF and --tracker';
    throw new EnjambreError('invalid', 'USAGE', message);
  }
  const bans = await withAgent(session, (agent) => agent.bans());
  const { output, context } = session;
  for (const ban of bans) output.object(banJson('ban', ban));
  if (bans.length === 0) output.hint('this agent has banned no peers');
  else output.line(banTable(bans, output, context.now()));
}

/** `enjambre unban`: lifts the bans on peers. */
export async function unban(session: Session, peers: readonly string[]): Promise<void> {
  await forEach(session, peers, async (peer) => {
    const ban = await withAgent(session, (agent) => agent.liftBan(peer));
    session.output.object(banJson('unbanned', ban));
    const title =
      ban.name === '' ? shortDigits(ban.peerId) : `${plain(ban.name)} (${shortDigits(ban.peerId)})`;
    session.output.line(`${title} is no longer banned; the reason was: ${plain(ban.reason)}`);
  });
}

function banTable(bans: readonly Ban[], screen: Screen, now: number): string {
  const columns = [
    { title: 'peer' },
    { title: 'id' },
    { title: 'since' },
    { title: 'ends' },
    { title: 'reason' },
  ] as const;
  const rows = bans.map((ban) => [
    plain(ban.name) || '-',
    shortDigits(ban.peerId),
    formatAgo(ban.since, now),
    formatIn(ban.until, now),
    plain(ban.reason),
  ]);
  return table(columns, rows, screen);
}
