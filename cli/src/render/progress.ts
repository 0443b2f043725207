import type { Output } from '../output.js';
import {
  columnsOf,
  count,
  formatBytes,
  formatPercent,
  formatRate,
  shorten,
  timeLeftText,
  wrap,
} from './text.js';

/** Contents of a progress line. */
export interface Progress {
  readonly name: string;
  readonly doneBytes: number;
  /** 0 while unknown. */
  readonly sizeBytes: number;
  /** Bytes per second. */
  readonly rate: number;
  readonly secondsLeft?: number | undefined;
  readonly sources?: number | undefined;
  /** What it waits for, or does instead of transferring. */
  readonly note?: string | undefined;
}

/** Times between two lines in a pipe: doubled with each, up to a minute or, while nothing moves, ten. */
const FIRST_INTERVAL_MS = 2000;
const LONGEST_MOVING_MS = 60_000;
const LONGEST_STUCK_MS = 600_000;
const WIDEST_BAR = 30;
const NARROWEST_BAR = 5;
const NAME_COLUMNS = 32;
/** Lines below the bar. */
const MAX_BELOW = 4;

/**
 * Shows progress on a terminal (redrawn in place; facts that do not fit beside the bar go below it) or in a pipe
 * (a line at the start, others at growing intervals and when what it waits for changes, and one at the end).
 * With --json or --quiet it shows nothing.
 */
export class ProgressLine {
  #last: Progress | undefined;
  #shownAt = Number.NEGATIVE_INFINITY;
  /** In a pipe: the last line, the reasons that were shown, and the time to the next line. */
  #printed: Progress | undefined;
  readonly #notes = new Set<string>();
  #interval = FIRST_INTERVAL_MS;

  /**
   * @param now milliseconds of any clock
   * @param board all lines that are shown at the same time
   */
  constructor(
    private readonly output: Output,
    private readonly now: () => number,
    private readonly board = new Set<ProgressLine>(),
  ) {}

  show(progress: Progress): void {
    this.#last = progress;
    if (this.output.live) this.#draw();
    else if (this.output.showsProgress && this.#isDue(progress)) this.#print(progress);
  }

  /** Shows `final`, by default the last progress, and leaves the line, if there is one. Safe to call twice. */
  finish(final: Progress | undefined = this.#last): void {
    if (!this.#last) return;
    if (final && !this.output.live && final !== this.#last) this.#print(final);
    this.#last = final;
    this.leave();
  }

  /** Leaves the line as it is, so that something else can be printed. The others of the board are drawn below it. */
  leave(): void {
    this.board.delete(this);
    if (this.#last && this.output.live) {
      this.output.redrawProgress(this.#lines());
      this.output.keepProgress();
    }
    this.#last = undefined;
  }

  #draw(): void {
    this.board.add(this);
    const lines = Array.from(this.board).flatMap((line) => line.#lines());
    this.output.redrawProgress(lines.slice(0, Math.max(1, this.output.progressRows - 1)));
  }

  #lines(): string[] {
    const { progressColumns, colors } = this.output;
    return this.#last ? barLines(this.#last, progressColumns - 1, colors) : [];
  }

  /** In a pipe: true if the line is due again, or reports something for the first time. */
  #isDue(progress: Progress): boolean {
    const waited = this.now() - this.#shownAt;
    if (!this.#notes.has(kindOf(progress))) return waited >= FIRST_INTERVAL_MS;
    const isStuck = progress.doneBytes === this.#printed?.doneBytes;
    return waited >= Math.min(this.#interval, isStuck ? LONGEST_STUCK_MS : LONGEST_MOVING_MS);
  }

  #print(progress: Progress): void {
    this.#shownAt = this.now();
    this.#printed = progress;
    this.#interval = Math.min(
      this.#notes.has(kindOf(progress)) ? 2 * this.#interval : FIRST_INTERVAL_MS,
      LONGEST_STUCK_MS,
    );
    this.#notes.add(kindOf(progress));
    this.output.progress([progress.name, ...facts(progress)].join('  '));
  }
}

/** Lines of at most `columns` columns: the bar shrinks first; facts that do not fit beside it go on the lines below. */
export function barLines(progress: Progress, columns: number, colors: Output['colors']): string[] {
  const shown = [shorten(progress.name, NAME_COLUMNS), ...facts(progress)];
  const below: string[] = [];
  const width = (): number => shown.reduce((sum, part) => sum + columnsOf(part) + 2, 0);
  // A long note moves down before the numbers after it.
  const note = shown.indexOf(progress.note ?? '');
  if (note > 0 && width() + NARROWEST_BAR > columns) below.push(...shown.splice(note, 1));
  while (shown.length > 2 && width() + NARROWEST_BAR > columns) below.unshift(...shown.splice(-1));
  const bar = Math.min(WIDEST_BAR, columns - width());
  const first =
    bar < NARROWEST_BAR ? shorten(shown.join('  '), columns) : withBar(shown, bar, { progress, colors });
  return [first, ...belowLines(below, columns)];
}

function withBar(
  [name = '', ...behind]: readonly string[],
  columns: number,
  { progress: { doneBytes, sizeBytes }, colors }: { progress: Progress; colors: Output['colors'] },
): string {
  const share = sizeBytes === 0 ? 0 : Math.min(1, doneBytes / sizeBytes);
  const full = Math.floor(share * columns);
  const drawn = colors.cyan('█'.repeat(full)) + colors.dim('░'.repeat(columns - full));
  return [name, drawn, ...behind].join('  ');
}

/** Text beyond {@link MAX_BELOW} lines is cut with "…". */
function belowLines(parts: readonly string[], columns: number): string[] {
  if (parts.length === 0) return [];
  const indent = columns > 20 ? '  ' : '';
  const lines = wrap(parts.join('  '), columns - indent.length);
  const kept = lines.slice(0, MAX_BELOW);
  if (lines.length > MAX_BELOW)
    kept.push(shorten(`${kept.pop() ?? ''} ${lines[MAX_BELOW] ?? ''}`, columns - indent.length));
  return kept.map((line) => indent + line);
}

/** A note without its numbers: a reason that is counted down is the same reason. */
function kindOf({ note = '' }: Progress): string {
  return note.replace(/\d+/g, '');
}

function facts(progress: Progress): string[] {
  const { doneBytes, sizeBytes, rate, secondsLeft, sources, note } = progress;
  const all: (string | undefined)[] = [
    sizeBytes > 0 ? formatPercent(doneBytes, sizeBytes) : undefined,
    sizeBytes > 0 ? `${formatBytes(doneBytes)}/${formatBytes(sizeBytes)}` : undefined,
    note,
    rate > 0 ? formatRate(rate) : undefined,
    secondsLeft !== undefined && doneBytes < sizeBytes ? timeLeftText(secondsLeft) : undefined,
    sources ? count(sources, 'source') : undefined,
  ];
  return all.filter((fact): fact is string => fact !== undefined && fact !== '');
}
