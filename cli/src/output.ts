import { systemErrorText } from '@enjambre/common/system-error';
import { EnjambreError } from '@enjambre/core/error';
import picocolors from 'picocolors';
import { toJsonLine, type JsonObject } from './render/json-line.js';
import { plain } from './render/text.js';

/** The part of a process's standard streams that commands use. */
export interface TextStream {
  /** Calls back when the text has left, or with the reason why not. */
  write(text: string | Uint8Array, written?: (error?: Error | null) => void): unknown;
  readonly isTTY?: boolean;
  readonly columns?: number;
}

export interface OutputOptions {
  /** One JSON object a line and nothing else on standard output. */
  readonly json: boolean;
  readonly color: boolean;
}

const DEFAULT_COLUMNS = 80;
const CLEAR_LINE = '\r\u001b[K';
const CLEAR_BELOW = '\u001b[J';

/** What is known of where text goes to be laid out. */
export type Screen = Pick<Output, 'colors' | 'width'>;

/** Where commands speak: lines for people or, with --json, objects for programs; never both. */
export class Output {
  readonly json: boolean;
  readonly colors: ReturnType<typeof picocolors.createColors>;
  /** Lines that are drawn over by the next {@link redraw}. */
  #drawn = 1;

  constructor(
    private readonly stdout: TextStream,
    private readonly stderr: TextStream,
    options: OutputOptions,
  ) {
    this.json = options.json;
    this.colors = picocolors.createColors(options.color);
  }

  /** True if a line can be drawn over again. */
  get live(): boolean {
    return !this.json && this.stdout.isTTY === true;
  }

  /** Columns that a line may fill: no bound but on a terminal. */
  get width(): number {
    return this.stdout.isTTY === true ? this.columns : Infinity;
  }

  get columns(): number {
    return this.stdout.columns || DEFAULT_COLUMNS;
  }

  /** A line for people; nothing with --json. Text from the network must be `plain` already. */
  line(text = ''): void {
    this.#drawn = 1;
    if (!this.json) this.stdout.write(`${text}\n`);
  }

  /** An object for programs; nothing without --json. */
  object(value: JsonObject): void {
    if (this.json) this.stdout.write(toJsonLine(value));
  }

  /** Resolves when all so far has left this process. Throws `denied`, CANNOT_WRITE, if it could not. */
  written(): Promise<void> {
    return this.bytes('');
  }

  /** Content for a program, as it is. Resolves when it has left this process; throws as {@link written}. */
  async bytes(data: string | Uint8Array): Promise<void> {
    const failure = await new Promise<Error | null | undefined>((resolve) =>
      this.stdout.write(data, resolve),
    );
    if (!failure) return;
    const message = `the output could not be written (${systemErrorText(failure)}): fix that and ask again`;
    throw new EnjambreError('denied', 'CANNOT_WRITE', message, { cause: failure });
  }

  /** Draws the lines at the end of a terminal over again, those that were drawn last. None may be wider than the terminal. */
  redraw(lines: readonly string[]): void {
    if (!this.live) return;
    const up = this.#drawn > 1 ? `\u001b[${this.#drawn - 1}A${CLEAR_BELOW}` : '';
    this.#drawn = lines.length;
    this.stdout.write(CLEAR_LINE + up + lines.join('\n'));
  }

  /** A sentence beside the result, on standard error, also with --json. */
  note(sentence: string): void {
    this.stderr.write(`${plain(sentence)}\n`);
  }
}

/** Where people are told what happens while standard output takes the content itself. */
export function outputBeside(
  stderr: TextStream,
  environment: Readonly<Record<string, string | undefined>>,
): Output {
  return new Output(stderr, stderr, { json: false, color: wantsColor(stderr, environment) });
}

/** Whether to use colours: a terminal's default, switched by NO_COLOR and FORCE_COLOR as everywhere. */
export function wantsColor(
  stream: TextStream,
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  if (environment.NO_COLOR) return false;
  if (environment.FORCE_COLOR) return environment.FORCE_COLOR !== '0';
  return stream.isTTY === true && environment.TERM !== 'dumb';
}
