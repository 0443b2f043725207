import type { Flags, OptionTable, Service } from '@enjambre/common/config/options';
import { EnjambreError } from '@enjambre/core/error';
import type { AgentConfig, agentOptions } from '@enjambre/peer-agent/config';
import type { Session } from '../context.js';
import { examine } from '../doctor/examine.js';
import type { Finding } from '../doctor/finding.js';
import { gatherAgent } from '../doctor/gather-agent.js';
import { gatherConfig } from '../doctor/gather-config.js';
import { judgeConfig } from '../doctor/judge-config.js';
import type { Output } from '../output.js';
import { table } from '../render/table.js';
import { count, plain } from '../render/text.js';

interface Tables {
  readonly agent: typeof agentOptions;
  readonly services: Readonly<Record<Service, OptionTable>>;
}

const COLUMNS = [
  { title: 'level', minWidth: 4 },
  { title: 'check', minWidth: 10 },
  { title: 'message', overflow: 'wrap' },
] as const;

/**
 * `enjambre doctor`: checks everything that an agent needs, and suggests fixes.
 * Throws `precondition`, UNHEALTHY, if a check fails.
 *
 * @param flags of the agent, whether it runs or not
 */
export async function doctor(session: Session, tables: Tables, flags: Flags): Promise<void> {
  const { config, facts } = gatherConfig(tables, flags, {
    environment: session.context.environment,
    config: session.config,
  });
  const settings = judgeConfig(facts);
  tell(session.output, settings);
  const agent = await gatherAgent(withControl(session, config));
  const findings = await examine({ session, config, agent });
  tell(session.output, findings);
  const failed = [...settings, ...findings].filter(({ level }) => level === 'fail').length;
  if (failed === 0) return;
  const message = `${count(failed, 'check')} failed: fix the lines marked "fail" from the top, then run this again`;
  throw new EnjambreError('precondition', 'UNHEALTHY', message);
}

/** `--control unix:PATH` moves the control socket of the agent, unless --agent names another address. */
function withControl(session: Session, { control }: Partial<AgentConfig>): Session {
  const { agent, context } = session.connection;
  const said = agent ?? session.context.environment['ENJAMBRE_AGENT'] ?? context?.values.agent;
  if (said !== undefined || control?.kind !== 'unix') return session;
  return { ...session, connection: { ...session.connection, agent: `unix:${control.path}` } };
}

function tell(output: Output, findings: readonly Finding[]): void {
  const paint = { ok: output.colors.green, warn: output.colors.yellow, fail: output.colors.red };
  for (const finding of findings) output.object({ type: 'finding', ...finding });
  const shown = output.quiet ? findings.filter(({ level }) => level !== 'ok') : findings;
  const rows = shown.map(({ check, level, message }) => [paint[level](level), check, plain(message)]);
  if (rows.length > 0) output.line(table(COLUMNS, rows, output, { header: false }));
}
