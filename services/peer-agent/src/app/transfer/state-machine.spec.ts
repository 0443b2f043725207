import { beforeEach, describe, expect, it } from '@jest/globals';
import { EnjambreError } from '@enjambre/core/error';
import type { Download } from '../download/download.js';
import type { Serving } from '../upload/serving.js';
import { StateMachine } from './state-machine.js';
import type { TransferState } from './transfer-view.js';

const fault = new EnjambreError('internal', 'DISK_FAILED', 'the disk failed');
let states: StateMachine;
let entered: TransferState[];
/** What was told to end, in order. */
let ended: string[];

const serving = {
  stop: (message: string, reason?: string) => void ended.push(`serving ${message} ${reason}`),
};
const download = { stop: (reason: string) => Promise.resolve(void ended.push(`download ${reason}`)) };
const part = {
  kind: 'part',
  serving: serving as unknown as Serving,
  download: download as unknown as Download,
} as const;
const whole = {
  kind: 'whole',
  serving: serving as unknown as Serving,
  endChores: () => void ended.push('chores'),
} as const;

/** Work that ends when it is aborted. */
function work(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    signal.addEventListener('abort', () => {
      ended.push('work');
      resolve();
    });
  });
}

const failed = (): void => undefined;

beforeEach(() => {
  [entered, ended] = [[], []];
  states = new StateMachine('paused', (state) => entered.push(state));
});

describe('the states of a transfer', () => {
  it('run from a start to a halt, after which the last one stays visible without its offer', async () => {
    states.begin('resolving', work, failed);
    states.enter('downloading');
    states.offer(part);
    expect([states.state, states.download, states.serving]).toEqual(['downloading', download, serving]);
    expect(await states.halt('PAUSED', 'paused by a person')).toBe(download);
    expect(ended).toEqual(['work', 'download PAUSED', 'serving paused by a person undefined']);
    expect([states.state, states.download, states.serving, states.run]).toEqual([
      'downloading',
      undefined,
      undefined,
      undefined,
    ]);
    expect(entered).toEqual(['downloading']);
  });

  it('are in force before the work begins, which may enter the next at once', () => {
    const seen: unknown[] = [];
    const begin = (): Promise<void> => {
      seen.push(states.state, states.run !== undefined);
      states.enter('missing');
      return Promise.resolve();
    };
    states.begin('checking', begin, failed);
    expect([seen, states.state]).toEqual([['checking', true], 'missing']);
  });

  it('ignore work that was halted and has not noticed yet', async () => {
    let isEnding: () => void = () => undefined;
    const slow = (): Promise<void> => new Promise((resolve) => (isEnding = resolve));
    states.begin('checking', slow, failed);
    const halting = states.halt('STOPPING', 'the agent is stopping');
    states.enter('seeding');
    expect(states.offer(whole)).toBe(false);
    expect([states.state, states.serving, entered]).toEqual(['checking', undefined, []]);
    isEnding();
    await halting;
  });

  it('end the background checks of a seeder first', async () => {
    states.begin('checking', work, failed);
    states.offer(whole);
    await states.halt('CONTENT_CHANGED', 'it changed');
    expect(ended).toEqual(['chores', 'work', 'serving it changed CONTENT_CHANGED']);
  });

  it('keep the error while the transfer is failed, and only then', async () => {
    states.rest('failed', fault);
    expect([states.state, states.fault]).toEqual(['failed', fault]);
    states.rest('failed');
    expect(states.fault).toBe(fault);
    states.begin('checking', work, failed);
    expect(states.fault).toBeUndefined();
    await states.halt('PAUSED', '');
    states.rest('paused');
    expect([states.state, states.fault, entered]).toEqual([
      'paused',
      undefined,
      ['failed', 'failed', 'paused'],
    ]);
  });

  it('report the error of work that fails, not of work that was halted', async () => {
    const errors: unknown[] = [];
    const report = (_: unknown, error: unknown): void => void errors.push(error);
    states.begin('checking', () => Promise.reject(fault), report);
    await states.run?.done;
    expect(errors).toEqual([fault]);
    await states.halt('FAILED', '');
    states.begin('checking', (signal) => work(signal).then(() => Promise.reject(fault)), report);
    await states.halt('PAUSED', '');
    expect(errors).toEqual([fault]);
  });

  it('settle when the work only waits', async () => {
    states.begin('missing', work, failed);
    const { run } = states;
    let isSettled = false;
    const settled = run?.settled.then(() => (isSettled = true));
    await Promise.resolve();
    expect(isSettled).toBe(false);
    run?.rest();
    await settled;
    expect(isSettled).toBe(true);
  });

  it('withdraw an offer and keep the work', () => {
    states.begin('checking', work, failed);
    states.offer(part);
    states.withdraw('another copy is used');
    expect([states.serving, states.run === undefined, ended]).toEqual([
      undefined,
      false,
      ['serving another copy is used undefined'],
    ]);
  });
});
