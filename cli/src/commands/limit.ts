import { EnjambreError } from '@enjambre/core/error';
import { Priority, type LimitChange, type Transfer } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { withAgent, type AgentClient } from '../agent-client.js';
import type { Session } from '../context.js';
import { priorityWord } from '../limit-values.js';
import { transferRef } from '../ref.js';
import { ifAny } from '../render/json-line.js';
import { transferJson } from '../render/json.js';
import { isLimited, limitsText, rateLimitText, seedLimitText } from '../render/limits.js';
import { table } from '../render/table.js';
import { plain, shortDigits } from '../render/text.js';

/** `enjambre limit`: shows or changes the rate limits of the agent, or of one transfer. */
export async function limit(
  session: Session,
  ref: string | undefined,
  change: LimitChange | undefined,
): Promise<void> {
  const flag = ref === undefined && change ? flagOfTransfers(change) : undefined;
  if (flag !== undefined)
    throw new EnjambreError('invalid', 'USAGE', `${flag} applies to a single transfer: name it`);
  await withAgent(session, async (agent) => {
    if (ref !== undefined) await ofTransfer(session, agent, { ref, change });
    else if (change) await changeAgent(session, agent, change);
    else await showAll(session, agent);
  });
}

/** The flag that the agent as a whole does not have; undefined if none of them is given. */
function flagOfTransfers({ priority, seedRatio, seedTime }: LimitChange): string | undefined {
  if (priority !== Priority.UNSPECIFIED) return '--priority';
  if (seedRatio !== undefined) return '--seed-ratio';
  return seedTime && '--seed-time';
}

async function ofTransfer(
  session: Session,
  agent: AgentClient,
  { ref: given, change }: { ref: string; change: LimitChange | undefined },
): Promise<void> {
  const { output } = session;
  const ref = await transferRef(given, session);
  const { transfer = await agent.transfer(ref) } = change ? await agent.setLimits({ ref, change }) : {};
  output.object(transferJson('transfer', transfer));
  output.line(`${plain(transfer.name)}: ${limitsText(transfer)}`);
}

async function changeAgent(session: Session, agent: AgentClient, change: LimitChange): Promise<void> {
  tellAgent(session, await agent.setLimits({ ref: '', change }));
  session.output.hint(
    'until the agent stops; its flags --max-upload and --max-download set the limits at start',
  );
}

async function showAll(session: Session, agent: AgentClient): Promise<void> {
  const [info, transfers] = await Promise.all([agent.info(), agent.transfers()]);
  tellAgent(session, info);
  const limited = transfers.filter(isLimited);
  for (const transfer of limited) session.output.object(transferJson('transfer', transfer));
  if (limited.length > 0) session.output.line(`\n${limitTable(limited, session)}`);
}

function tellAgent({ output }: Session, limits: Pick<Transfer, 'maxUpload' | 'maxDownload'>): void {
  output.object({
    type: 'limits',
    max_upload: ifAny(limits.maxUpload),
    max_download: ifAny(limits.maxDownload),
  });
  const [up, down] = [rateLimitText(limits.maxUpload), rateLimitText(limits.maxDownload)];
  output.line(`this agent, all transfers together: up ${up}, down ${down}`);
}

function limitTable(transfers: readonly Transfer[], { output }: Session): string {
  const columns = [
    { title: 'name' },
    { title: 'up', align: 'right' },
    { title: 'down', align: 'right' },
    { title: 'priority' },
    { title: 'seeds until' },
    { title: 'infohash' },
  ] as const;
  const rows = transfers.map((transfer) => [
    plain(transfer.name),
    rateLimitText(transfer.maxUpload),
    rateLimitText(transfer.maxDownload),
    priorityWord(transfer.priority),
    seedLimitText(transfer),
    shortDigits(transfer.infohash),
  ]);
  return table(columns, rows, output);
}
