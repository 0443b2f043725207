import { ReadStream } from 'node:tty';
import { sleep } from '@enjambre/common/async/sleep';
import { EnjambreError } from '@enjambre/core/error';
import { withAgent, type AgentClient } from '../agent-client.js';
import type { Session } from '../context.js';
import { failureOf } from '../exit.js';
import { fileJson, peerJson, transferJson } from '../render/json.js';
import { plain } from '../render/text.js';
import { TopSource, type TopData } from '../top/data.js';
import { FullScreen } from '../top/full-screen.js';
import { FIRST_STATE, press, TABS, type Action, type Key } from '../top/state.js';
import { printedLines, topLines, visibleIn, type TopScreen } from '../top/view.js';

const INTERVAL_MS = 1000;
/** How long the result of an action stays on the screen. */
const MESSAGE_MS = 4000;

/** `enjambre top`: the transfers, peers and files, until q. Throws `invalid`, NOT_A_TERMINAL, without `once`. */
export async function top(session: Session, { once }: { readonly once: boolean }): Promise<void> {
  await withAgent(session, async (agent) => {
    if (once) await print(session, agent);
    else await new Top(session, agent, terminalOf(session)).run();
  });
}

/** One look, without a terminal. */
async function print({ output, context }: Session, agent: AgentClient): Promise<void> {
  const data = await new TopSource(agent, context.now).fetch(TABS);
  if (data.problem !== '') output.note(data.problem);
  output.object(topJson(data));
  const screen = { columns: output.width, rows: output.rows, colors: output.colors, now: context.now() };
  for (const line of printedLines(data, screen)) output.line(line);
}

function topJson({ info, transfers, peers = [], files = [] }: TopData) {
  return {
    type: 'top',
    agent: { id: info.id, name: info.name },
    tracker: info.tracker,
    transfers: transfers.map((transfer) => transferJson('transfer', transfer)),
    peers: peers.map((peer) => peerJson(peer, false)),
    files: files.map(fileJson),
  };
}

interface Terminal {
  readonly stdin: ReadStream;
  readonly stdout: Session['context']['stdout'] & Pick<NodeJS.EventEmitter, 'on' | 'off'>;
}

function terminalOf({ context, output }: Session): Terminal {
  const { stdin, stdout } = context;
  if (
    !output.json &&
    stdin instanceof ReadStream &&
    stdout.isTTY === true &&
    'on' in stdout &&
    'off' in stdout
  )
    return { stdin, stdout: stdout as Terminal['stdout'] };
  const message =
    'top needs a terminal: in scripts and pipes, use `enjambre top --once` (with --json for programs)';
  throw new EnjambreError('invalid', 'NOT_A_TERMINAL', message);
}

/** The running screen. */
class Top {
  readonly #source: TopSource;
  readonly #screen: FullScreen;
  readonly #over = new AbortController();
  #woken = new AbortController();
  #state = FIRST_STATE;
  #data: TopData | undefined;
  #message = { text: '', untilMs: 0 };

  constructor(
    private readonly session: Session,
    private readonly agent: AgentClient,
    private readonly terminal: Terminal,
  ) {
    this.#source = new TopSource(agent, session.context.now);
    this.#screen = new FullScreen(terminal.stdin, terminal.stdout, {
      pressed: (key) => {
        this.#press(key);
      },
      changed: () => {
        this.#draw();
      },
    });
  }

  /** Until the user quits. Throws if the agent does not answer the first call. */
  async run(): Promise<void> {
    const { signal } = this.session;
    const over = AbortSignal.any([signal, this.#over.signal]);
    this.#data = await this.#source.fetch([this.#state.tab]);
    this.#screen.open();
    try {
      while (!over.aborted) {
        this.#draw();
        this.#woken = new AbortController();
        await sleep(INTERVAL_MS, AbortSignal.any([over, this.#woken.signal]));
        await this.#fetch();
      }
    } finally {
      this.#screen.close();
    }
  }

  async #fetch(): Promise<void> {
    try {
      this.#data = await this.#source.fetch([this.#state.tab]);
    } catch (error) {
      this.#say(failureOf(error).message);
    }
  }

  #press(key: Key): void {
    if (!this.#data) return;
    const before = this.#state;
    const { state, action } = press(before, key, visibleIn(before, this.#data, this.#size()));
    this.#state = state;
    if (state.isOver) {
      this.#over.abort();
      return;
    }
    if (action) void this.#perform(action);
    // Lists what the other tab shows at once.
    if (state.tab !== before.tab) this.#woken.abort();
    this.#draw();
  }

  async #perform({ kind, id, name }: Action): Promise<void> {
    try {
      if (kind === 'pause') await this.agent.pause(id);
      else if (kind === 'resume') await this.agent.resume(id);
      else if (kind === 'verify') await this.agent.verify(id);
      else await this.agent.remove(id, { data: kind === 'delete', force: false });
      // The next key acts on what it has become.
      await this.#fetch();
      this.#say(`${name}: ${DONE[kind]}`);
    } catch (error) {
      this.#say(failureOf(error).message);
    }
  }

  #say(text: string): void {
    this.#message = { text: plain(text), untilMs: this.session.context.now() + MESSAGE_MS };
    this.#draw();
  }

  #draw(): void {
    if (!this.#data || this.#state.isOver) return;
    const size = this.#size();
    const { text, untilMs } = this.#message;
    this.#screen.draw(topLines(this.#state, this.#data, size, size.now < untilMs ? text : ''));
  }

  #size(): TopScreen {
    const { columns = 80, rows = 24 } = this.terminal.stdout;
    return { columns, rows, colors: this.session.output.colors, now: this.session.context.now() };
  }
}

const DONE: Readonly<Record<Action['kind'], string>> = {
  pause: 'paused',
  resume: 'resumed',
  verify: 'is being verified',
  remove: 'removed',
  delete: 'removed, and its files are deleted',
};
