/** The lists of `enjambre top`, in the order of their keys 1, 2 and 3. */
export const TABS = ['transfers', 'peers', 'network'] as const;
export type Tab = (typeof TABS)[number];

interface Order {
  readonly column: string;
  readonly descending: boolean;
}

export type ActionKind = 'pause' | 'resume' | 'verify' | 'remove' | 'delete';

/** What to do with one transfer. */
export interface Action {
  readonly kind: ActionKind;
  readonly id: string;
  readonly name: string;
}

/** What the screen shows, apart from the data. */
export interface TopState {
  readonly tab: Tab;
  /** Id of the selected row; undefined for the first. */
  readonly selected: Readonly<Partial<Record<Tab, string>>>;
  readonly order: Readonly<Partial<Record<Tab, Order | undefined>>>;
  /** Rows whose text does not contain it are hidden. */
  readonly filter: string;
  readonly mode: 'list' | 'filter' | 'details' | 'confirm' | 'help';
  /** First line of the details. */
  readonly scroll: number;
  /** Waits for an answer. */
  readonly asked: Action | undefined;
  readonly isOver: boolean;
}

export const FIRST_STATE: TopState = {
  tab: 'transfers',
  selected: {},
  order: {},
  filter: '',
  mode: 'list',
  scroll: 0,
  asked: undefined,
  isOver: false,
};

/** A row of the list, as far as keys depend on it. */
export interface Row {
  readonly id: string;
  readonly name: string;
  /** Of a transfer: it does not run. */
  readonly isStopped?: boolean;
}

/** What is on the screen when a key is pressed. */
export interface Visible {
  /** In the order of the screen, filtered. */
  readonly rows: readonly Row[];
  /** Names of the columns of the list. */
  readonly columns: readonly string[];
  /** Rows that fit. */
  readonly height: number;
  /** Lines of the details of the selected row; 0 while they are not shown. */
  readonly detailLines: number;
}

/** A key, as `node:readline` names it. */
export interface Key {
  readonly name?: string | undefined;
  readonly sequence?: string | undefined;
  readonly ctrl?: boolean | undefined;
  readonly shift?: boolean | undefined;
}

export interface Pressed {
  readonly state: TopState;
  /** To be done now. */
  readonly action?: Action;
}

const MAX_FILTER = 100;
const PRINTABLE = /^[^\p{Cc}\p{Cs}]+$/u;

/** The state after a key. */
export function press(state: TopState, key: Key, visible: Visible): Pressed {
  if (key.ctrl === true && key.name === 'c') return { state: { ...state, isOver: true } };
  switch (state.mode) {
    case 'filter':
      return { state: typed(state, key) };
    case 'confirm':
      return answered(state, key);
    case 'help':
      return { state: key.sequence === 'q' ? { ...state, isOver: true } : { ...state, mode: 'list' } };
    case 'details':
      return inDetails(state, key, visible);
    case 'list':
      return inList(state, key, visible);
  }
}

/** Index of the selected row; 0 if it is gone. */
export function selectedIndex({ selected, tab }: TopState, rows: readonly Row[]): number {
  return Math.max(
    0,
    rows.findIndex(({ id }) => id === selected[tab]),
  );
}

function typed(state: TopState, { name, sequence = '', ctrl }: Key): TopState {
  if (name === 'return' || name === 'enter') return { ...state, mode: 'list' };
  if (name === 'escape') return { ...state, mode: 'list', filter: '' };
  if (name === 'backspace') return { ...state, filter: Array.from(state.filter).slice(0, -1).join('') };
  if (ctrl === true && name === 'u') return { ...state, filter: '' };
  const isText = PRINTABLE.test(sequence) && state.filter.length < MAX_FILTER;
  return isText ? { ...state, filter: state.filter + sequence } : state;
}

function answered(state: TopState, { sequence = '' }: Key): Pressed {
  const { asked, ...rest } = state;
  const next: TopState = { ...rest, asked: undefined, mode: 'list' };
  return sequence.toLowerCase() === 'y' && asked ? { state: next, action: asked } : { state: next };
}

function inDetails(state: TopState, key: Key, visible: Visible): Pressed {
  const moved = scrolled(state, key, visible);
  if (moved) return { state: moved };
  if (['escape', 'return', 'enter', 'left', 'backspace'].includes(key.name ?? ''))
    return { state: { ...state, mode: 'list', scroll: 0 } };
  const tab = tabOf(state.tab, key);
  return tab === undefined ? common(state, key, visible) : { state: shownTab(state, tab) };
}

function scrolled(
  state: TopState,
  { name, sequence }: Key,
  { height, detailLines }: Visible,
): TopState | undefined {
  const lines = stepOf(name, sequence, height);
  if (lines === undefined) return undefined;
  return { ...state, scroll: Math.max(0, Math.min(state.scroll + lines, detailLines - height)) };
}

function inList(state: TopState, key: Key, visible: Visible): Pressed {
  const { rows, height } = visible;
  const at = selectedIndex(state, rows);
  const step = stepOf(key.name, key.sequence, height);
  if (step !== undefined) {
    const to = rows[Math.min(rows.length - 1, Math.max(0, at + step))];
    return { state: to ? select(state, to.id) : state };
  }
  const tab = tabOf(state.tab, key);
  if (tab !== undefined) return { state: shownTab(state, tab) };
  if (['return', 'enter', 'right'].includes(key.name ?? '')) {
    const row = rows[at];
    return { state: row ? { ...select(state, row.id), mode: 'details', scroll: 0 } : state };
  }
  if (key.name === 'escape') return { state: { ...state, filter: '' } };
  if (key.sequence === '/') return { state: { ...state, mode: 'filter' } };
  if (key.sequence === 's') return { state: ordered(state, visible.columns) };
  if (key.sequence === 'S') return { state: reversed(state, visible.columns) };
  return common(state, key, visible);
}

function shownTab(state: TopState, tab: Tab): TopState {
  return { ...state, tab, filter: '', mode: 'list', scroll: 0 };
}

function select(state: TopState, id: string): TopState {
  return { ...state, selected: { ...state.selected, [state.tab]: id } };
}

/** Rows to move by; Infinity for the end. */
function stepOf(name: string | undefined, sequence: string | undefined, height: number): number | undefined {
  const steps: Readonly<Record<string, number>> = {
    up: -1,
    down: 1,
    pageup: -height,
    pagedown: height,
    home: -Infinity,
    end: Infinity,
  };
  const letters: Readonly<Record<string, number>> = { k: -1, j: 1, g: -Infinity, G: Infinity };
  return steps[name ?? ''] ?? letters[sequence ?? ''];
}

function tabOf(current: Tab, { name, shift, sequence = '' }: Key): Tab | undefined {
  if (name === 'tab') {
    const by = shift === true ? TABS.length - 1 : 1;
    return TABS[(TABS.indexOf(current) + by) % TABS.length];
  }
  return /^[1-9]$/.test(sequence) ? TABS[Number(sequence) - 1] : undefined;
}

/** Sorts by the next column; after the last one, in the order of the list itself. */
function ordered(state: TopState, columns: readonly string[]): TopState {
  const { tab, order } = state;
  const next = columns[columns.indexOf(order[tab]?.column ?? '') + 1];
  return {
    ...state,
    order: { ...order, [tab]: next === undefined ? undefined : { column: next, descending: false } },
  };
}

function reversed(state: TopState, [first]: readonly string[]): TopState {
  const { tab, order } = state;
  const { column = first, descending = false } = order[tab] ?? {};
  if (column === undefined) return state;
  return { ...state, order: { ...order, [tab]: { column, descending: !descending } } };
}

/** Keys of list and details. */
function common(state: TopState, { sequence = '' }: Key, { rows }: Visible): Pressed {
  if (sequence === 'q') return { state: { ...state, isOver: true } };
  if (sequence === '?' || sequence === 'h') return { state: { ...state, mode: 'help' } };
  const row = rows[selectedIndex(state, rows)];
  if (state.tab !== 'transfers' || !row) return { state };
  // The row that was selected is gone: the mark moved to another one.
  const said = state.selected.transfers;
  if (said !== undefined && said !== row.id) return { state: select(state, row.id) };
  const { id, name } = row;
  switch (sequence) {
    case 'p':
      return { state, action: { kind: row.isStopped === true ? 'resume' : 'pause', id, name } };
    case 'v':
      return { state, action: { kind: 'verify', id, name } };
    case 'd':
      return { state: { ...state, mode: 'confirm', asked: { kind: 'remove', id, name } } };
    case 'D':
      return { state: { ...state, mode: 'confirm', asked: { kind: 'delete', id, name } } };
    default:
      return { state };
  }
}
