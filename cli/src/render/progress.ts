import type { Output } from '../output.js';
import { columnsOf, count, formatBytes, formatPercent, formatRate, formatSeconds } from './text.js';

/** What a progress line tells. */
export interface Progress {
  readonly name: string;
  readonly bytesDone: number;
  /** 0 while it is not known. */
  readonly bytesTotal: number;
  /** Bytes a second. */
  readonly rate: number;
  readonly secondsLeft?: number | undefined;
  readonly sources?: number | undefined;
  /** What it waits for, or does instead of moving bytes. */
  readonly note?: string | undefined;
}

const PLAIN_INTERVAL_MS = 2000;
const WIDEST_BAR = 30;
const NARROWEST_BAR = 5;
const NAME_COLUMNS = 32;

/**
 * Progress on a terminal (one line, drawn over) or in a pipe (a line at the start, one
 * at most every 2 s, and one at the end). With --json it shows nothing.
 */
export class ProgressLine {
  #last: Progress | undefined;
  #shownAt = Number.NEGATIVE_INFINITY;
  #open = false;

  /** @param now milliseconds of any clock */
  constructor(
    private readonly output: Output,
    private readonly now: () => number,
  ) {}

  show(progress: Progress): void {
    this.#last = progress;
    if (this.output.live) this.#draw(progress);
    else if (this.now() - this.#shownAt >= PLAIN_INTERVAL_MS) this.#print(progress);
  }

  /** Shows the end, `final` or what was last given, and leaves the line. Safe to call twice. */
  finish(final: Progress | undefined = this.#last): void {
    if (final && this.output.live) this.#draw(final);
    else if (final && final !== this.#last) this.#print(final);
    this.leave();
  }

  /** Leaves the line as it is, so that something else can be printed. */
  leave(): void {
    if (this.#open) this.output.line();
    this.#open = false;
    this.#last = undefined;
  }

  #draw(progress: Progress): void {
    this.#open = true;
    this.output.redraw(barLine(progress, this.output.columns - 1, this.output.colors));
  }

  #print(progress: Progress): void {
    this.#shownAt = this.now();
    this.output.line([progress.name, ...facts(progress)].join('  '));
  }
}

/** One line of at most `columns` characters: the bar shrinks first, then facts go. */
export function barLine(progress: Progress, columns: number, colors: Output['colors']): string {
  const name = shorten(progress.name, NAME_COLUMNS);
  const shown = [name, ...facts(progress)];
  const width = (): number => shown.reduce((sum, part) => sum + columnsOf(part) + 2, 0);
  while (shown.length > 2 && width() + NARROWEST_BAR > columns) shown.pop();
  const bar = Math.min(WIDEST_BAR, columns - width());
  if (bar < NARROWEST_BAR) return shorten(shown.join('  '), columns);
  const share = progress.bytesTotal === 0 ? 0 : Math.min(1, progress.bytesDone / progress.bytesTotal);
  const full = Math.floor(share * bar);
  const drawn = colors.cyan('█'.repeat(full)) + colors.dim('░'.repeat(bar - full));
  return [shown[0], drawn, ...shown.slice(1)].join('  ');
}

function facts(progress: Progress): string[] {
  const { bytesDone, bytesTotal, rate, secondsLeft, sources, note } = progress;
  const all: (string | undefined)[] = [
    bytesTotal > 0 ? formatPercent(bytesDone, bytesTotal) : undefined,
    bytesTotal > 0 ? `${formatBytes(bytesDone)}/${formatBytes(bytesTotal)}` : undefined,
    note,
    rate > 0 ? formatRate(rate) : undefined,
    secondsLeft !== undefined && bytesDone < bytesTotal ? `${formatSeconds(secondsLeft)} left` : undefined,
    sources ? count(sources, 'source') : undefined,
  ];
  return all.filter((fact): fact is string => fact !== undefined && fact !== '');
}

function shorten(text: string, columns: number): string {
  if (columnsOf(text) <= columns) return text;
  let kept = '';
  for (const character of text) {
    if (columnsOf(kept + character) >= columns) break;
    kept += character;
  }
  return `${kept}…`;
}
