import { userInfo } from 'node:os';
import { describe, expect, it } from '@jest/globals';
import { homeFolder } from './home-folder.js';

describe('the home folder', () => {
  it('is HOME if set', () => {
    expect(homeFolder({ HOME: '/home/ann' }, 'do this')).toBe('/home/ann');
  });

  it.each([{}, { HOME: '' }])('is that of the system if HOME is unset or empty: %j', (environment) => {
    expect(homeFolder(environment, 'do this')).toBe(userInfo().homedir);
  });

  it('is refused if it is relative: it would depend on the working folder', () => {
    expect(() => homeFolder({ HOME: 'ann' }, 'do this')).toThrow(
      'HOME is "ann", which is not an absolute path: fix that, or do this',
    );
  });
});
