import { describe, expect, it } from '@jest/globals';
import { HostNames } from './host-names.js';

describe('names of hosts that strangers announce', () => {
  it('are looked up once, so that another answer changes nothing', async () => {
    const answers = [['192.0.2.1'], ['127.0.0.1']];
    const names = new HostNames(() => Promise.resolve(answers.shift() ?? []));
    expect(names.known('rebind.example:7072')).toBeUndefined();
    await names.learn(['rebind.example:7072', 'rebind.example:7073']);
    await names.learn(['rebind.example:7072']);
    expect(names.known('rebind.example:7073')).toEqual([{ kind: 'tcp', host: '192.0.2.1', port: 7073 }]);
    expect(answers).toHaveLength(1);
  });

  it('are looked up two at a time, and nobody waits long', async () => {
    const asked: string[] = [];
    const names = new HostNames((host) => {
      asked.push(host);
      return new Promise(() => undefined);
    });
    const beganMs = performance.now();
    await names.learn(Array.from({ length: 50 }, (_, at) => `slow${at}.example:1`));
    expect(asked).toHaveLength(2);
    expect(performance.now() - beganMs).toBeLessThan(10_000);
  });

  it('are not looked up if they are addresses, or nothing', () => {
    const names = new HostNames(() => Promise.reject(new Error('asked')));
    expect(names.known('10.0.0.1:1')).toHaveLength(1);
    expect(names.known('[fe80::1%eth0]:1')).toHaveLength(1);
    expect(names.known('no address')).toEqual([]);
  });

  it('that do not exist have no addresses', async () => {
    const names = new HostNames(() => Promise.reject(new Error('ENOTFOUND')));
    await names.learn(['nowhere.example:1']);
    expect(names.known('nowhere.example:1')).toEqual([]);
  });
});
