import { systemErrorText } from '@enjambre/common/system-error';
import { EnjambreError } from '@enjambre/core/error';
import picocolors from 'picocolors';
import { toJsonLine, type JsonObject } from './render/json-line.js';
import { Redrawn } from './render/redrawn.js';
import { plain } from './render/text.js';

/** The part of a process's standard streams that commands use. */
export interface TextStream {
  /** Calls `written` when the text was written, with the error if that failed. */
  write(text: string | Uint8Array, written?: (error?: Error | null) => void): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
}

/** How lists are laid out for people. */
export interface Layout {
  /** All columns, and nothing shortened. @default false */
  readonly wide?: boolean | undefined;
  /** Names of the columns to show. @default those of the list */
  readonly columns?: readonly string[] | undefined;
  /** @default the order of the list */
  readonly sort?: { readonly column: string; readonly descending: boolean } | undefined;
}

/** How much a command prints, and for whom. */
export interface OutputMode {
  /** One JSON object per line and nothing else on standard output. */
  readonly json: boolean;
  /** Only results and errors. @default false */
  readonly quiet?: boolean;
  /** Also which servers are called. @default false */
  readonly verbose?: boolean;
  /** @default none */
  readonly layout?: Layout;
}

interface OutputOptions extends OutputMode {
  readonly color: boolean;
}

export type MakeOutput = (mode: OutputMode) => Output;

const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;

/** The properties of the output that layout depends on. */
export type Screen = Pick<Output, 'colors' | 'width' | 'layout'>;

/**
 * The output of a command. Results go to standard output: lines for people or, with --json, objects for programs.
 * All else goes to standard error.
 */
export class Output {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly layout: Layout;
  readonly colors: ReturnType<typeof picocolors.createColors>;
  readonly #verbose: boolean;
  readonly #drawn: Redrawn;
  readonly #drawnProgress: Redrawn;

  constructor(
    private readonly stdout: TextStream,
    private readonly stderr: TextStream,
    { json, quiet = false, verbose = false, layout = {}, color }: OutputOptions,
  ) {
    this.json = json;
    this.quiet = quiet;
    this.layout = layout;
    this.#verbose = verbose;
    this.#drawn = new Redrawn(stdout);
    this.#drawnProgress = new Redrawn(stderr);
    this.colors = picocolors.createColors(color);
  }

  /** True if progress is shown, and not only its end. */
  get showsProgress(): boolean {
    return !this.json && !this.quiet;
  }

  /** True if the lines of progress can be redrawn. */
  get live(): boolean {
    return this.showsProgress && this.stderr.isTTY === true;
  }

  /** Columns that a line of a result may fill: bounded only on a terminal, and not with `--wide`. */
  get width(): number {
    return this.layout.wide === true ? Infinity : this.terminalWidth;
  }

  /** The same for lines that {@link redraw} draws. */
  get terminalWidth(): number {
    return this.stdout.isTTY === true ? this.stdout.columns || DEFAULT_COLUMNS : Infinity;
  }

  /** True if results can be redrawn. */
  get redraws(): boolean {
    return !this.json && !this.quiet && this.stdout.isTTY === true;
  }

  /** Lines of the terminal that shows the results, and of the one that shows the progress. */
  get rows(): number {
    return this.stdout.rows || DEFAULT_ROWS;
  }

  get progressRows(): number {
    return this.stderr.rows || DEFAULT_ROWS;
  }

  /** Columns of the terminal that shows the progress. */
  get progressColumns(): number {
    return this.stderr.columns || DEFAULT_COLUMNS;
  }

  /** Prints a line of a result for people; nothing with --json. Pass text from the network through `plain` first. */
  line(text = ''): void {
    if (this.json) return;
    this.#drawnProgress.erase();
    this.stdout.write(`${text}\n`);
  }

  /** Draws the result over what this drew last. */
  redraw(lines: readonly string[]): void {
    this.#drawn.draw(lines);
  }

  /** Leaves the result that was drawn last. */
  keep(): void {
    this.#drawn.keep();
  }

  /** Prints an object for programs; nothing without --json. */
  object(value: JsonObject): void {
    if (this.json) this.stdout.write(toJsonLine(value));
  }

  /** Resolves when all output so far is written. Throws `denied`, CANNOT_WRITE, if that fails. */
  written(): Promise<void> {
    return this.bytes('');
  }

  /** Writes raw content for a program. Resolves when it is written; throws like {@link written}. */
  async bytes(data: string | Uint8Array): Promise<void> {
    const failure = await new Promise<Error | null | undefined>((resolve) =>
      this.stdout.write(data, resolve),
    );
    if (!failure) return;
    const message = `the output could not be written (${systemErrorText(failure)}): fix that and try again`;
    throw new EnjambreError('denied', 'CANNOT_WRITE', message, { cause: failure });
  }

  /** Prints a line of progress, for a log or a pipe. */
  progress(text: string): void {
    if (this.showsProgress) this.stderr.write(`${text}\n`);
  }

  /** Draws progress over what this drew last. All other output removes it first, except after {@link keepProgress}. */
  redrawProgress(lines: readonly string[]): void {
    if (this.live) this.#drawnProgress.draw(lines);
  }

  /** Leaves the progress that was drawn last. */
  keepProgress(): void {
    this.#drawnProgress.keep();
  }

  /** Suggests a next step to people, or says that there is nothing to show. */
  hint(sentence: string): void {
    if (!this.json) this.note(sentence);
  }

  /** Prints a warning, also with --json. */
  note(sentence: string): void {
    if (!this.quiet) this.error(sentence);
  }

  /** Prints a sentence with --verbose. */
  debug(sentence: string): void {
    if (this.#verbose) this.error(sentence);
  }

  /** Removes what was drawn last, before another program prints. */
  erase(): void {
    this.#drawnProgress.erase();
    this.#drawn.erase();
  }

  /** Prints a sentence on standard error, whatever the flags. */
  error(sentence: string): void {
    this.erase();
    this.stderr.write(`${plain(sentence)}\n`);
  }
}

/** Output for people on standard error, while standard output carries the content itself. */
export function outputBeside(
  stderr: TextStream,
  environment: Readonly<Record<string, string | undefined>>,
  { quiet }: Output,
): Output {
  return new Output(stderr, stderr, { json: false, quiet, color: wantsColor(stderr, environment) });
}

/** Whether to use colours: the default on a terminal; NO_COLOR and FORCE_COLOR override it. */
export function wantsColor(
  stream: TextStream,
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  if (environment.NO_COLOR) return false;
  if (environment.FORCE_COLOR) return environment.FORCE_COLOR !== '0';
  return stream.isTTY === true && environment.TERM !== 'dumb';
}
