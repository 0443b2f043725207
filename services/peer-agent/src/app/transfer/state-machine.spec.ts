import { beforeEach, describe, expect, it } from '@jest/globals';
import { EnjambreError } from '@enjambre/core/error';
import type { Download } from '../download/download.js';
import type { Serving } from '../upload/serving.js';
import { StateMachine } from './state-machine.js';
import type { TransferState } from './transfer-view.js';

const fault = new EnjambreError('internal', 'DISK_FAILED', 'the disk failed');
let states: StateMachine;
let entered: TransferState[];
/** What was stopped, in order. */
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

describe('StateMachine', () => {
  it('keeps the last state visible after a halt, without its offer', async () => {
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

  it('is in the first state before the work starts, which may enter the next one synchronously', () => {
    const seen: unknown[] = [];
    const begin = (): Promise<void> => {
      seen.push(states.state, states.run !== undefined);
      states.enter('missing');
      return Promise.resolve();
    };
    states.begin('checking', begin, failed);
    expect([seen, states.state]).toEqual([['checking', true], 'missing']);
  });

  it('ignores transitions by work that was halted and has not ended yet', async () => {
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

  it('stops the background checks of a seeder before anything else', async () => {
    states.begin('checking', work, failed);
    states.offer(whole);
    await states.halt('CONTENT_CHANGED', 'it changed');
    expect(ended).toEqual(['chores', 'work', 'serving it changed CONTENT_CHANGED']);
  });

  it('keeps the error only while the transfer is failed', async () => {
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

  it('reports the error of work that fails, but not of halted work', async () => {
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

  it('settles when the work only waits', async () => {
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

  it('withdraws an offer without stopping the work', () => {
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
