import { describe, expect, it } from '@jest/globals';
import { EnjambreError } from '@enjambre/core/error';
import { Cause, Explanation, Transfer, TransferState } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { conclusionOf, messageOf } from './transfer-wording.js';
import { messageWithRemedy } from './wording.js';

const said = (message: string, metadata: Record<string, string>): string =>
  messageWithRemedy(new EnjambreError('precondition', 'ANY', message, { metadata }));

describe('an error', () => {
  it.each<[string, Record<string, string>, string]>([
    ['choose another folder', { setting: 'outputDir' }, 'choose another folder with --output'],
    ['or choose another', { setting: 'name' }, 'or choose another with --name'],
    ['follow links', { setting: 'sharedLinks' }, 'follow links with --shared-links'],
    ['follow it', { setting: 'sharedLinks=anywhere' }, 'follow it with --shared-links anywhere'],
    ['or leave them out', { setting: 'skipUnsupported' }, 'or leave them out with --skip-unsupported'],
    ['choose another', { setting: 'dataDir' }, 'choose another with --data-dir'],
    ['choose another', { setting: 'trackerListen' }, 'choose another with --tracker-listen'],
    [
      'choose another folder',
      { setting: 'outputDir', remedy: 'remove-other', transfer: '5d41402a' },
      'choose another folder with --output, or remove that one with `enjambre rm 5d41402a`',
    ],
    [
      'copy it from there',
      { remedy: 'remove-first', transfer: '5d41402a' },
      'copy it from there, or remove it first with `enjambre rm 5d41402a`',
    ],
    [
      'remove that part',
      { remedy: 'remove-part', transfer: '5d41402a' },
      'remove that part (`enjambre rm 5d41402a --data` deletes its files, `enjambre rm 5d41402a` keeps them)',
    ],
    ['or remove it first', { remedy: 'remove' }, 'or remove it first with `enjambre rm`'],
    [
      'this agent has no transfer "x"',
      { remedy: 'see-transfers' },
      'this agent has no transfer "x": see `enjambre ls`',
    ],
    [
      'no peer shares "x"',
      { remedy: 'see-files' },
      'no peer shares "x": see `enjambre files` for shared files',
    ],
    [
      'this agent has no ban on "bob"',
      { remedy: 'see-bans' },
      'this agent has no ban on "bob": see `enjambre peers --banned`',
    ],
    [
      'not a member of the room "r"',
      { remedy: 'list-rooms' },
      'not a member of the room "r": `enjambre rooms` shows the rooms and their members',
    ],
    [
      'the inbox is full of unread messages: read some',
      { remedy: 'read-inbox' },
      'the inbox is full of unread messages: read some with `enjambre inbox`',
    ],
    [
      'this agent has no messaging service',
      { remedy: 'set-messaging' },
      'this agent has no messaging service: start it with --messaging HOST:PORT',
    ],
  ])('"%s" with %j names the flag or command', (message, metadata, whole) => {
    expect(said(message, metadata)).toBe(whole);
  });

  it('without a remedy, or with an unknown one, is unchanged', () => {
    expect(said('it is full', {})).toBe('it is full');
    expect(said('it is full', { remedy: 'of a later version' })).toBe('it is full');
  });
});

describe('the reason of a missing transfer', () => {
  const missing = { state: TransferState.MISSING, message: '/x is missing', infohash: '5d'.repeat(32) };

  it('ends with the command that downloads its content', () => {
    expect(messageOf(Transfer.fromPartial(missing))).toBe(
      '/x is missing; `enjambre verify 5d5d5d5d` downloads it again',
    );
    expect(messageOf(Transfer.fromPartial({ ...missing, origin: true }))).toBe(
      '/x is missing; `enjambre get 5d5d5d5d` downloads it from other peers',
    );
  });

  it('is unchanged if nothing is missing, or if an older agent has named the command', () => {
    const failed = { ...missing, state: TransferState.FAILED };
    expect(messageOf(Transfer.fromPartial(failed))).toBe('/x is missing');
    const older = '/x is missing; `enjambre verify 5d5d5d5d` downloads it again';
    expect(messageOf(Transfer.fromPartial({ ...missing, message: older }))).toBe(older);
  });
});

describe('the conclusion of an explanation', () => {
  const of = (cause: Cause, seconds: bigint, conclusion: string): string =>
    conclusionOf(
      Explanation.fromPartial({ conclusion, totalTime: { seconds, nanos: 1 }, spent: [{ cause }] }),
    );

  it.each([
    [Cause.OWN_LIMIT, 'see --max-download and `enjambre limit`'],
    [Cause.MISSING, '`enjambre status` shows where it was'],
    [Cause.PAUSED, '`enjambre resume` resumes it'],
    [Cause.FAILED, '`enjambre status` shows why, `enjambre resume` resumes it'],
  ])('after cause %s ends with the next step', (cause, hint) => {
    expect(of(cause, 9n, 'it was so for 50 % of the time')).toBe(`it was so for 50 % of the time: ${hint}`);
  });

  it('is unchanged if there is no next step, or after less than a second', () => {
    expect(of(Cause.DISK, 9n, 'the disk was the bottleneck')).toBe('the disk was the bottleneck');
    expect(of(Cause.PAUSED, 0n, 'too little to say')).toBe('too little to say');
  });
});
