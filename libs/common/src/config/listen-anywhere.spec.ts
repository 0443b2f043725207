import { describe, expect, it } from '@jest/globals';
import type { TcpAddress } from './address.js';
import { listenAnywhere } from './listen-anywhere.js';

const anywhere: TcpAddress = { kind: 'tcp', host: '', port: 7070 };

/** A machine on which listening on these hosts fails. */
async function listenWhere(failing: Readonly<Record<string, string>>, address = anywhere): Promise<unknown> {
  const tried: string[] = [];
  const listen = (at: TcpAddress): Promise<TcpAddress> => {
    tried.push(at.host);
    const problem = failing[at.host];
    return problem === undefined ? Promise.resolve(at) : Promise.reject(new Error(problem));
  };
  const { host } = await listenAnywhere(address, listen);
  return [host, tried];
}

describe('a server without a host', () => {
  it('listens at the addresses of both families', async () => {
    expect(await listenWhere({})).toEqual(['::', ['::']]);
  });

  it.each(['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL'])(
    'listens on IPv4 where IPv6 is off (%s)',
    async (code) => {
      const failing = { '::': `listen ${code}: address family not supported :::7070` };
      expect(await listenWhere(failing)).toEqual(['0.0.0.0', ['::', '0.0.0.0']]);
    },
  );

  it('does not listen on one family if another program has the port', async () => {
    await expect(listenWhere({ '::': 'listen EADDRINUSE' })).rejects.toThrow('EADDRINUSE');
  });

  it('reports the error if both families fail', async () => {
    await expect(listenWhere({ '::': 'EAFNOSUPPORT', '0.0.0.0': 'EMFILE' })).rejects.toThrow('EMFILE');
  });
});

describe('a server with a host', () => {
  it.each(['127.0.0.1', '0.0.0.0', '::'])('listens there and nowhere else: %s', async (host) => {
    expect(await listenWhere({}, { ...anywhere, host })).toEqual([host, [host]]);
    await expect(listenWhere({ [host]: 'EADDRNOTAVAIL' }, { ...anywhere, host })).rejects.toThrow();
  });
});
