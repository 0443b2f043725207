import { EnjambreError } from '@enjambre/core/error';
import type { Ban } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { withAgent } from '../agent-client.js';
import type { Session } from '../context.js';
import { forEach } from '../several.js';
import { banJson } from '../render/json.js';
import { printList, type Listing } from '../render/listing.js';
import { formatAgo, formatIn, plain, shortDigits } from '../render/text.js';

/** `enjambre peers --banned`: the peers banned by this agent, and why. */
export async function banned(session: Session, ref: string): Promise<void> {
  if (ref !== '' || session.connection.tracker !== undefined) {
    const message = '--banned lists the bans of one agent: use it without REF and --tracker';
    throw new EnjambreError('invalid', 'USAGE', message);
  }
  const bans = await withAgent(session, (agent) => agent.bans());
  const { output, context } = session;
  printList(output, bans, banList(context.now()));
  if (bans.length === 0) output.hint('this agent has banned no peers');
}

/** `enjambre unban`: lifts the bans on peers. */
export async function unban(session: Session, peers: readonly string[]): Promise<void> {
  await forEach(session, peers, async (peer) => {
    const ban = await withAgent(session, (agent) => agent.liftBan(peer));
    session.output.object(banJson('unbanned', ban));
    const title =
      ban.peerName === '' ? shortDigits(ban.peerId) : `${plain(ban.peerName)} (${shortDigits(ban.peerId)})`;
    session.output.line(`${title} is no longer banned; the reason was: ${plain(ban.message)}`);
  });
}

function banList(now: number): Listing<Ban> {
  return {
    columns: [
      { title: 'peer', text: ({ peerName }) => plain(peerName) || '-' },
      { title: 'id', text: ({ peerId }) => shortDigits(peerId), overflow: 'keep' },
      {
        title: 'since',
        text: ({ bannedAt }) => formatAgo(bannedAt, now),
        value: ({ bannedAt }) => -(bannedAt?.getTime() ?? 0),
        overflow: 'keep',
      },
      {
        title: 'ends',
        text: ({ expiresAt }) => formatIn(expiresAt, now),
        value: ({ expiresAt }) => expiresAt?.getTime(),
        overflow: 'keep',
      },
      { title: 'reason', text: ({ message }) => plain(message) },
    ],
    json: (ban) => banJson('ban', ban),
    id: ({ peerId }) => plain(peerId),
  };
}
