import type { WriteStream } from 'node:tty';
import colors from 'picocolors';
import prettyBytes from 'pretty-bytes';

const BAR_WIDTH = 24;
const PLAIN_EVERY_MS = 2000;

/** Contents of the progress line of one downloader. */
export interface Scene {
  readonly name: string;
  readonly state: string;
  readonly done: number;
  readonly total: number;
  /** Bytes per second. */
  readonly rate: number;
  /** Number of peers that it received bytes from. */
  readonly sources: number;
}

/** Output of the demo: permanent lines, and below them progress bars, redrawn on a terminal. */
export class Stage {
  #drawn = 0;
  #shownMs = 0;

  constructor(private readonly out: NodeJS.WriteStream) {}

  /** Prints a permanent line. */
  say(text: string): void {
    this.#erase();
    this.out.write(`${text}\n`);
  }

  step(text: string): void {
    this.say(`${colors.cyan('▸')} ${text}`);
  }

  good(text: string): void {
    this.say(`${colors.green('✔')} ${text}`);
  }

  bad(text: string): void {
    this.say(`${colors.red('✘')} ${text}`);
  }

  /** Redraws the bars; without a terminal, prints them as permanent lines, at a lower rate. */
  show(scenes: readonly Scene[]): void {
    const now = Date.now();
    if (!this.#moves && now - this.#shownMs < PLAIN_EVERY_MS) return;
    this.#shownMs = now;
    this.#erase();
    for (const scene of scenes) this.out.write(`  ${line(scene)}\n`);
    if (this.#moves) this.#drawn = scenes.length;
  }

  /** Draws the bars a last time and keeps them. */
  end(scenes: readonly Scene[]): void {
    this.#shownMs = 0;
    this.show(scenes);
    this.#drawn = 0;
  }

  get #moves(): boolean {
    return (this.out as Partial<WriteStream>).isTTY === true;
  }

  #erase(): void {
    if (this.#drawn > 0) this.out.write(`\u001b[${this.#drawn}A\u001b[J`);
    this.#drawn = 0;
  }
}

function line({ name, state, done, total, rate, sources }: Scene): string {
  const part = total > 0 ? done / total : 0;
  const full = Math.round(part * BAR_WIDTH);
  const bar = colors.green('━'.repeat(full)) + colors.dim('─'.repeat(BAR_WIDTH - full));
  const percent = `${Math.floor(part * 100)}%`.padStart(4);
  const speed = state === 'downloading' ? `${prettyBytes(rate)}/s`.padStart(10) : state.padStart(10);
  const from = sources > 0 ? `from ${sources} ${sources === 1 ? 'peer' : 'peers'}` : '';
  return `${name.padEnd(8)} ${bar} ${percent} ${speed}  ${colors.dim(from)}`;
}
