import { describe, expect, it } from '@jest/globals';
import { openFilesShare, openPatiently } from './open-files.js';

function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

describe('openPatiently', () => {
  it.each(['EMFILE', 'ENFILE'])('retries after %s, each time after closing others', async (code) => {
    const done: string[] = [];
    const open = (): Promise<string> => {
      done.push('open');
      return done.length < 4 ? Promise.reject(systemError(code)) : Promise.resolve('opened');
    };
    expect(await openPatiently(open, () => done.push('relieve'))).toBe('opened');
    expect(done).toEqual(['open', 'relieve', 'open', 'relieve', 'open']);
  });

  it('gives up after a while', async () => {
    const open = (): Promise<string> => Promise.reject(systemError('EMFILE'));
    await expect(openPatiently(open, undefined, 100)).rejects.toMatchObject({ code: 'EMFILE' });
  });

  it('does not wait for errors that waiting does not fix', async () => {
    let tries = 0;
    const open = (): Promise<string> => {
      tries += 1;
      return Promise.reject(systemError('ENOENT'));
    };
    await expect(openPatiently(open)).rejects.toMatchObject({ code: 'ENOENT' });
    expect(tries).toBe(1);
  });
});

describe('openFilesShare', () => {
  const limits = (soft: string): string =>
    `Limit                     Soft Limit           Hard Limit           Units     \n` +
    `Max processes             95978                95978                processes \n` +
    `Max open files            ${soft.padEnd(20)} 4096                 files     \n`;

  it.each([
    ['20', 8],
    ['96', 24],
    ['1024', 256],
    ['1048576', 256],
  ])('is a fraction of a limit of %s files', (soft, share) => {
    expect(openFilesShare(limits(soft))).toBe(share);
  });

  it('has an upper bound if no limit is known', () => {
    expect(openFilesShare('')).toBe(256);
    expect(openFilesShare(limits('unlimited'))).toBe(256);
  });
});
