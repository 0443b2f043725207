import type { Explanation } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { withAgent } from '../agent-client.js';
import type { Screen } from '../output.js';
import type { Session } from '../context.js';
import { transferRef } from '../ref.js';
import { forEach } from '../several.js';
import { causeText, causeWord } from '../render/cause.js';
import { distanceJson, distanceText } from '../render/distance.js';
import { factLines, type Fact } from '../render/facts.js';
import { ifAny, type JsonObject } from '../render/json-line.js';
import { peerOf, secondsOf } from '../render/json.js';
import { percentages } from '../render/percentages.js';
import { isPart, selectedBytesOf } from '../render/selected.js';
import { table } from '../render/table.js';
import {
  count as counted,
  formatBytes,
  formatRate,
  formatSeconds,
  plain,
  shortDigits,
  wrapWords,
} from '../render/text.js';
import { stateJson, stateWord } from '../render/transfer-state.js';
import { conclusionOf } from '../transfer-wording.js';

/** Shorter downloads get no table of causes: they were too short to wait for anything. */
const LEAST_SECONDS = 1;

/** `enjambre explain`: how downloads spent their time. */
export async function explain(session: Session, refs: readonly string[]): Promise<void> {
  const { output } = session;
  await forEach(session, refs, async (ref) => {
    const explanation = await withAgent(session, async (agent) =>
      agent.explain(await transferRef(ref, session)),
    );
    output.object(explanationJson(explanation));
    if (ref !== refs[0]) output.line();
    for (const line of describe(explanation, output)) output.line(line);
  });
}

function describe(explanation: Explanation, screen: Screen): string[] {
  const { colors } = screen;
  const { name, spent, sources } = explanation;
  const isTelling = (secondsOf(explanation.totalTime) ?? 0) >= LEAST_SECONDS;
  return [
    colors.bold(plain(name)),
    ...factLines(factsOf(explanation), screen),
    ...(isTelling && spent.length > 0 ? ['', timeTable(explanation, screen)] : []),
    ...(sources.length > 0 ? ['', sourceTable(explanation, screen)] : []),
    '',
    ...wrapWords(plain(conclusionOf(explanation)), screen.width),
  ];
}

function factsOf(explanation: Explanation): Fact[] {
  const total = secondsOf(explanation.totalTime) ?? 0;
  return [
    ['state', stateWord(explanation.state)],
    ['reason', plain(explanation.message)],
    ['done', `${formatBytes(explanation.doneBytes)} of ${formatBytes(selectedBytesOf(explanation))}`],
    ['size', isPart(explanation) ? formatBytes(explanation.sizeBytes) : ''],
    ['time', total > 0 ? formatSeconds(total) : ''],
    ['start', beginning(explanation)],
    ['discarded', discarded(explanation)],
    ['problems', problems(explanation)],
  ];
}

function beginning({ untilMetainfo, untilFirstByte }: Explanation): string {
  const [metainfo, first] = [secondsOf(untilMetainfo), secondsOf(untilFirstByte)];
  const known = metainfo === undefined ? [] : [`metainfo after ${formatSeconds(metainfo)}`];
  return [...known, ...(first === undefined ? [] : [`first block after ${formatSeconds(first)}`])].join(', ');
}

function discarded({ wastedBytes, duplicateBytes }: Explanation): string {
  if (wastedBytes === 0n) return '';
  return `${formatBytes(wastedBytes)}, of which ${formatBytes(duplicateBytes)} were duplicates`;
}

function problems(explanation: Explanation): string {
  const counts: (readonly [bigint, string])[] = [
    [explanation.hashFailureCount, 'hash failure'],
    [explanation.refusalCount, 'refused request'],
    [explanation.withdrawalCount, 'withdrawn request'],
    [explanation.reconnectionCount, 'reconnection'],
    [explanation.unreachableCount, 'failed connection'],
    [explanation.banCount, 'ban'],
  ];
  return counts
    .filter(([count]) => count > 0n)
    .map(([count, what]) => counted(Number(count), what))
    .join(', ');
}

function timeTable({ spent, totalTime }: Explanation, screen: Screen): string {
  const columns = [
    { title: 'spent on' },
    { title: 'share', align: 'right' },
    { title: 'time', align: 'right' },
    { title: 'stalled', align: 'right' },
  ] as const;
  const shares = percentages(spent.map(({ time }) => secondsOf(time) ?? 0));
  const rows = spent.map(({ cause, time, stalled }, index) => [
    causeText(cause),
    percent(shares[index] ?? 0),
    formatSeconds(secondsOf(time) ?? 0),
    formatSeconds(secondsOf(stalled) ?? 0),
  ]);
  rows.push(['total', percent(100), formatSeconds(secondsOf(totalTime) ?? 0), '']);
  return table(columns, rows, screen);
}

function sourceTable({ sources }: Explanation, screen: Screen): string {
  const columns = [
    { title: 'source' },
    { title: 'id', overflow: 'keep' },
    { title: 'distance' },
    { title: 'received', align: 'right' },
    { title: 'share', align: 'right' },
    { title: 'rate', align: 'right' },
    { title: 'banned' },
  ] as const;
  const shares = percentages(sources.map(({ downloadedBytes }) => Number(downloadedBytes)));
  const rows = sources.map((source, index) => [
    plain(source.name),
    shortDigits(source.id),
    distanceText(source.distance),
    formatBytes(source.downloadedBytes),
    percent(shares[index] ?? 0),
    source.downloadRate === 0n ? '-' : formatRate(source.downloadRate),
    source.banMessage === '' ? '' : screen.colors.red(plain(source.banMessage)),
  ]);
  return table(columns, rows, screen);
}

function percent(share: number): string {
  return `${share.toFixed(1)} %`;
}

function explanationJson(explanation: Explanation): JsonObject {
  return {
    type: 'explanation',
    infohash: explanation.infohash,
    name: explanation.name,
    state: stateJson(explanation.state),
    reason: explanation.reason,
    message: explanation.message,
    size_bytes: ifAny(explanation.sizeBytes),
    selected_bytes: isPart(explanation) ? explanation.selectedBytes : undefined,
    done_bytes: explanation.doneBytes,
    total_seconds: ifAny(secondsOf(explanation.totalTime) ?? 0),
    spent: explanation.spent.map(({ cause, time, stalled }) => ({
      cause: causeWord(cause),
      spent_seconds: secondsOf(time) ?? 0,
      stalled_seconds: secondsOf(stalled) ?? 0,
    })),
    until_metainfo_seconds: secondsOf(explanation.untilMetainfo),
    until_first_byte_seconds: secondsOf(explanation.untilFirstByte),
    sources: explanation.sources.map((source) => ({
      ...peerOf(source.id, source.name),
      distance: distanceJson(source.distance),
      downloaded_bytes: source.downloadedBytes,
      sending_seconds: secondsOf(source.sendingTime) ?? 0,
      download_rate: ifAny(source.downloadRate),
      ban_message: source.banMessage,
    })),
    duplicate_bytes: explanation.duplicateBytes,
    wasted_bytes: explanation.wastedBytes,
    hash_failure_count: explanation.hashFailureCount,
    refusal_count: explanation.refusalCount,
    withdrawal_count: explanation.withdrawalCount,
    reconnection_count: explanation.reconnectionCount,
    unreachable_count: explanation.unreachableCount,
    ban_count: explanation.banCount,
    conclusion: conclusionOf(explanation),
  };
}
