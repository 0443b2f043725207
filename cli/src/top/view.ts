import { stripVTControlCharacters } from 'node:util';
import type { Transfer } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import type { File } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import type { Output } from '../output.js';
import { factLines } from '../render/facts.js';
import type { KnownMember } from '../render/json.js';
import { chosen, nameOf, sort, tableOf, type Listing } from '../render/listing.js';
import { fileList, peerList } from '../render/network-lists.js';
import { columnsOf, count, formatRate, plain, shorten, wrapWords } from '../render/text.js';
import { describeTransfer } from '../render/transfer-details.js';
import { TRANSFER_LIST } from '../render/transfer-list.js';
import { trackerStateWord } from '../render/transfer-state.js';
import { isStopped } from '../several.js';
import type { TopData } from './data.js';
import {
  FIRST_STATE,
  selectedIndex,
  TABS,
  type ActionKind,
  type Row,
  type TopState,
  type Visible,
} from './state.js';

export interface TopScreen {
  readonly columns: number;
  readonly rows: number;
  readonly colors: Output['colors'];
  /** Wall clock, in milliseconds since 1970. */
  readonly now: number;
}

/** Header, tabs, titles of the columns and footer. */
const OTHER_LINES = 4;
const MARK = '> ';
const NO_MARK = '  ';
/** For the table: the terminal is as wide as it is, whatever the flags. */
const LAYOUT = {};

/** One of the lists, ready to be drawn. */
interface Shown {
  readonly visible: Visible;
  /** Lines for the rows from `first`, with the titles of the columns; as many as fit. */
  readonly lines: (first: number, count: number, screen: TopScreen) => readonly string[];
  readonly details: (index: number, screen: TopScreen) => readonly string[];
  /** Instead of rows, if there are none. */
  readonly nothing: string;
}

/** What the keys depend on. */
export function visibleIn(state: TopState, data: TopData, screen: TopScreen): Visible {
  const shown = shownIn(state, data, screen);
  if (state.mode !== 'details') return shown.visible;
  return { ...shown.visible, detailLines: allDetails(state, shown, screen).length };
}

/** The lines of the screen, none wider and not more than it has. */
export function topLines(state: TopState, data: TopData, screen: TopScreen, message: string): string[] {
  const shown = shownIn(state, data, screen);
  const height = bodyHeight(screen);
  const body =
    state.mode === 'help'
      ? ['', ...HELP.map((line) => NO_MARK + line)]
      : state.mode === 'details'
        ? detailLines(state, shown, screen)
        : listLines(state, shown, screen);
  const lines = [header(data, screen), tabs(state, shown.visible, screen), ...body.slice(0, height + 1)];
  while (lines.length < screen.rows - 1) lines.push('');
  lines.push(footer(state, screen, message || data.problem));
  return lines.slice(-screen.rows).map((line) => cut(line, screen.columns));
}

/** All rows of all lists, for a pipe or a log. */
export function printedLines(data: TopData, screen: TopScreen): string[] {
  const lists = TABS.flatMap((tab) => {
    const { visible, lines, nothing } = shownIn({ ...FIRST_STATE, tab }, data, screen);
    const { length } = visible.rows;
    return ['', screen.colors.bold(tab), ...(length === 0 ? [nothing] : lines(0, length, screen))];
  });
  return [header(data, screen), ...lists];
}

function shownIn(state: TopState, data: TopData, screen: TopScreen): Shown {
  switch (state.tab) {
    case 'transfers':
      return shown(state, data.transfers, TRANSFER_LIST, {
        screen,
        nothing: 'no transfers: start one with `enjambre share PATH` or `enjambre get REF`',
        row: (transfer: Transfer) => ({ name: plain(transfer.name), isStopped: isStopped(transfer) }),
        details: (transfer, wide) => describeTransfer(transfer, wide, screen.now),
      });
    case 'peers': {
      const peers = data.peers ?? [];
      return shown(state, peers, peerList(peers, { now: screen.now, inSwarm: false }), {
        screen,
        nothing: data.peers ? 'no peer is connected' : 'listing peers …',
        row: ({ peer }: KnownMember) => ({ name: plain(peer?.name ?? '') }),
      });
    }
    case 'network':
      return shown(state, data.files ?? [], fileList(screen.now), {
        screen,
        nothing: data.files ? 'no files are shared yet' : 'listing files …',
        row: ({ name }: File) => ({ name: plain(name) }),
      });
  }
}

interface ShownInit<T> {
  readonly screen: TopScreen;
  readonly nothing: string;
  readonly row: (item: T) => Omit<Row, 'id'>;
  /** @default all columns */
  readonly details?: (item: T, screen: Pick<Output, 'colors' | 'width' | 'layout'>) => readonly string[];
}

function shown<T>(state: TopState, items: readonly T[], listing: Listing<T>, init: ShownInit<T>): Shown {
  const { screen, nothing, row } = init;
  const layout = { sort: state.order[state.tab] };
  const filter = state.filter.toLowerCase();
  const texts = (item: T): string =>
    listing.columns.map(({ text }) => text(item, { colors: screen.colors })).join('\n');
  const kept = filter === '' ? items : items.filter((item) => texts(item).toLowerCase().includes(filter));
  const sorted = sort(kept, listing.columns, layout);
  const columns = chosen(listing.columns, { layout: LAYOUT, width: screen.columns });
  return {
    visible: {
      rows: sorted.map((item) => ({ ...row(item), id: listing.id(item) })),
      columns: columns.map(({ title }) => nameOf(title)),
      height: bodyHeight(screen),
      detailLines: 0,
    },
    lines: (first, many, { colors, columns: width }) =>
      tableOf(sorted.slice(first, first + many), columns, { colors, width: width - MARK.length }).split('\n'),
    details: (index, { colors, columns: width }) => {
      const item = sorted[index];
      if (item === undefined) return [];
      const its = { colors, width, layout: LAYOUT };
      if (init.details) return init.details(item, its);
      const facts = listing.columns.map(({ title, text }) => [title, text(item, { colors })] as const);
      return [colors.bold(row(item).name), ...factLines(facts, its)];
    },
    nothing: filter === '' ? nothing : `nothing matches "${state.filter}"`,
  };
}

function bodyHeight({ rows }: TopScreen): number {
  return Math.max(1, rows - OTHER_LINES);
}

function listLines(state: TopState, { visible, lines, nothing }: Shown, screen: TopScreen): string[] {
  const { rows, height } = visible;
  if (rows.length === 0)
    return ['', ...wrapWords(nothing, screen.columns - NO_MARK.length).map((line) => NO_MARK + line)];
  const at = selectedIndex(state, rows);
  const first = Math.max(0, Math.min(at - Math.floor(height / 2), rows.length - height));
  const [titles = '', ...body] = lines(first, height, screen);
  return [
    NO_MARK + titles,
    ...body.map((line, index) => (index === at - first ? screen.colors.bold(MARK + line) : NO_MARK + line)),
  ];
}

function allDetails(state: TopState, { visible, details }: Shown, screen: TopScreen): string[] {
  return details(selectedIndex(state, visible.rows), screen).flatMap((line) => line.split('\n'));
}

function detailLines(state: TopState, shown: Shown, screen: TopScreen): string[] {
  const all = allDetails(state, shown, screen);
  const height = bodyHeight(screen);
  const first = Math.min(state.scroll, Math.max(0, all.length - height));
  return ['', ...all.slice(first, first + height)];
}

function header({ info, transfers }: TopData, { colors, columns, now }: TopScreen): string {
  const down = transfers.reduce((sum, { downloadRate }) => sum + downloadRate, 0n);
  const up = transfers.reduce((sum, { uploadRate }) => sum + uploadRate, 0n);
  const left = [
    `enjambre top: ${plain(info.name)}`,
    `tracker ${plain(info.tracker)} ${trackerStateWord(info.trackerState)}`,
    `down ${formatRate(down)}`,
    `up ${formatRate(up)}`,
  ].join('  ');
  const time = new Date(now).toTimeString().slice(0, 'hh:mm:ss'.length);
  if (columns === Infinity) return colors.bold(`${left}  ${time}`);
  const room = Math.max(0, columns - time.length - 1);
  return colors.bold(`${shorten(left, room).padEnd(room)} ${time}`);
}

function tabs({ tab, order, filter }: TopState, { rows }: Visible, { colors }: TopScreen): string {
  const names = TABS.map((name, at) => {
    const text = `${at + 1} ${name}`;
    return name === tab ? colors.bold(`[${text}]`) : ` ${text} `;
  });
  const its = order[tab];
  return [
    names.join(' '),
    count(rows.length, 'row'),
    ...(its ? [`sorted by ${its.column}${its.descending ? ', descending' : ''}`] : []),
    ...(filter === '' ? [] : [`filter "${filter}"`]),
  ].join('  ');
}

const KEYS = 'q quit  ? help  1-3 lists  / filter  s sort  Enter details';
const TRANSFER_KEYS = '  p pause or resume  v verify  d remove';

const HELP = [
  '1 2 3, Tab       transfers, peers, network',
  'Up Down, j k     select; also PageUp, PageDown, Home and End',
  'Enter, Escape    details, and back',
  '/                show only rows that contain a text; Escape shows all',
  's, S             sort by the next column; reverse the order',
  'p                pause or resume a transfer',
  'v                verify a transfer: check all its data on disk',
  'd                remove a transfer; complete files are kept',
  'D                remove a transfer, and delete the files that it downloaded',
  'q, Ctrl-C        quit; the agent keeps running',
  '',
  'Any key returns.',
];

const QUESTIONS: Readonly<Record<ActionKind, string>> = {
  pause: 'pause',
  resume: 'resume',
  verify: 'verify',
  remove: 'remove',
  delete: 'remove and delete the files of',
};

function footer({ mode, tab, filter, asked }: TopState, { colors }: TopScreen, message: string): string {
  if (mode === 'filter') return `/${filter}_  (Enter applies, Escape clears)`;
  if (mode === 'confirm' && asked) return colors.yellow(`${QUESTIONS[asked.kind]} ${asked.name}? y or n`);
  if (message !== '') return plain(message);
  return colors.dim(KEYS + (tab === 'transfers' ? TRANSFER_KEYS : ''));
}

function cut(line: string, columns: number): string {
  return columnsOf(line) <= columns ? line : shorten(stripVTControlCharacters(line), columns);
}
