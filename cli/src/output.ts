import { systemErrorText } from '@enjambre/common/system-error';
import { EnjambreError } from '@enjambre/core/error';
import picocolors from 'picocolors';
import { toJsonLine, type JsonObject } from './render/json-line.js';
import { plain } from './render/text.js';

/** The part of a process's standard streams that commands use. */
export interface TextStream {
  /** Calls `written` when the text was written, with the error if that failed. */
  write(text: string | Uint8Array, written?: (error?: Error | null) => void): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface OutputOptions {
  /** One JSON object per line and nothing else on standard output. */
  readonly json: boolean;
  readonly color: boolean;
}

const DEFAULT_COLUMNS = 80;
const CLEAR_LINE = '\r\u001b[K';
const CLEAR_BELOW = '\u001b[J';

/** The properties of the output that layout depends on. */
export type Screen = Pick<Output, 'colors' | 'width'>;

/** The output of a command: lines for people or, with --json, objects for programs; never both. */
export class Output {
  readonly json: boolean;
  readonly colors: ReturnType<typeof picocolors.createColors>;
  /** Number of lines that the next {@link redraw} overwrites. */
  #drawn = 1;

  constructor(
    private readonly stdout: TextStream,
    private readonly stderr: TextStream,
    options: OutputOptions,
  ) {
    this.json = options.json;
    this.colors = picocolors.createColors(options.color);
  }

  /** True if lines can be redrawn. */
  get live(): boolean {
    return !this.json && this.stdout.isTTY === true;
  }

  /** Columns that a line may fill: bounded only on a terminal. */
  get width(): number {
    return this.stdout.isTTY === true ? this.columns : Infinity;
  }

  get columns(): number {
    return this.stdout.columns || DEFAULT_COLUMNS;
  }

  /** Prints a line for people; nothing with --json. Pass text from the network through `plain` first. */
  line(text = ''): void {
    this.#drawn = 1;
    if (!this.json) this.stdout.write(`${text}\n`);
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

  /** Redraws the lines that it drew last, at the end of the terminal. None may be wider than the terminal. */
  redraw(lines: readonly string[]): void {
    if (!this.live) return;
    const up = this.#drawn > 1 ? `\u001b[${this.#drawn - 1}A${CLEAR_BELOW}` : '';
    this.#drawn = lines.length;
    this.stdout.write(CLEAR_LINE + up + lines.join('\n'));
  }

  /** Prints a sentence on standard error, also with --json. */
  note(sentence: string): void {
    this.stderr.write(`${plain(sentence)}\n`);
  }
}

/** Output for people on standard error, while standard output carries the content itself. */
export function outputBeside(
  stderr: TextStream,
  environment: Readonly<Record<string, string | undefined>>,
): Output {
  return new Output(stderr, stderr, { json: false, color: wantsColor(stderr, environment) });
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
