import { emitKeypressEvents } from 'node:readline';
import type { ReadStream } from 'node:tty';
import type { TextStream } from '../output.js';
import type { Key } from './state.js';

const ENTER = '\u001b[?1049h\u001b[?25l';
const LEAVE = '\u001b[?25h\u001b[?1049l';
const HOME = '\u001b[H';
/** Before the line: after one as wide as the screen, it would erase the last character. */
const CLEAR_LINE = '\u001b[2K';
/** Signals that end a process: the terminal is restored before. */
const FATAL = ['SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

export interface FullScreenListener {
  readonly pressed: (key: Key) => void;
  /** The size changed, or the screen is shown again. */
  readonly changed: () => void;
}

/**
 * The whole terminal, with each key as it is pressed. {@link close} restores the terminal; so does every end of the
 * process except SIGKILL, and Ctrl-Z until the process continues.
 */
export class FullScreen {
  #isOpen = false;
  readonly #onKey = (_: unknown, key: Key): void => {
    if (key.ctrl === true && key.name === 'z') this.#suspend();
    else this.listener.pressed(key);
  };
  readonly #onExit = (): void => {
    this.#leave();
  };
  readonly #onSignal = (signal: NodeJS.Signals): void => {
    this.close();
    process.kill(process.pid, signal);
  };
  readonly #onResize = (): void => {
    this.listener.changed();
  };
  readonly #onContinue = (): void => {
    this.#enter();
    this.listener.changed();
  };

  constructor(
    private readonly stdin: ReadStream,
    private readonly stdout: TextStream & Pick<NodeJS.EventEmitter, 'on' | 'off'>,
    private readonly listener: FullScreenListener,
  ) {}

  open(): void {
    emitKeypressEvents(this.stdin);
    this.stdin.on('keypress', this.#onKey);
    this.stdout.on('resize', this.#onResize);
    process.once('exit', this.#onExit);
    for (const signal of FATAL) process.on(signal, this.#onSignal);
    process.on('SIGCONT', this.#onContinue);
    this.stdin.resume();
    this.#enter();
  }

  /** Draws all lines of the screen. */
  draw(lines: readonly string[]): void {
    if (!this.#isOpen) return;
    this.stdout.write(HOME + lines.map((line) => CLEAR_LINE + line).join('\r\n'));
  }

  close(): void {
    this.#leave();
    this.stdin.off('keypress', this.#onKey);
    this.stdout.off('resize', this.#onResize);
    process.off('exit', this.#onExit);
    for (const signal of FATAL) process.off(signal, this.#onSignal);
    process.off('SIGCONT', this.#onContinue);
    this.stdin.pause();
  }

  #enter(): void {
    if (this.#isOpen) return;
    this.#isOpen = true;
    this.stdin.setRawMode(true);
    this.stdout.write(ENTER);
  }

  #leave(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.stdout.write(LEAVE);
    // Fails if the terminal is gone, and then there is nothing to restore.
    try {
      this.stdin.setRawMode(false);
    } catch {
      return;
    }
  }

  #suspend(): void {
    this.#leave();
    process.kill(process.pid, 'SIGTSTP');
  }
}
