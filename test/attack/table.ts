import type { Goal } from './goals.js';

export interface Row {
  readonly scenario: string;
  readonly goals: readonly Goal[];
}

const COLUMNS = ['honest', 'memory', 'lag', 'refusal', 'share', 'check'] as const;

/** The results as a table in Markdown; a missed goal is in bold. */
export function tableOf(rows: readonly Row[]): string {
  const lines = rows.map(({ scenario, goals }) => {
    const cells = COLUMNS.map((column) =>
      goals
        .filter(({ name }) => name === column)
        .map(({ isMet, figure }) => (isMet ? figure : `**${figure}**`).replaceAll('|', '\\|'))
        .join('; '),
    );
    return `| ${[scenario, ...cells].join(' | ')} |`;
  });
  const head = ['attack', 'honest', "victim's memory", 'lag p99', 'refusals', 'share', 'checks'];
  return [`| ${head.join(' | ')} |`, `|${' --- |'.repeat(head.length)}`, ...lines].join('\n');
}
