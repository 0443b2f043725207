import { EnjambreError, messageOf } from '@enjambre/core/error';
import { formatAddress, type Address } from './address.js';

/**
 * The error of a server that cannot listen. `error` comes from the system.
 *
 * @param setting the server's setting for the address
 */
export function cannotListen(listen: Address, error: unknown, setting = 'listen'): EnjambreError {
  const { reason, text } = obstacle(listen, messageOf(error));
  const details = { cause: error, metadata: { setting } };
  return new EnjambreError('unavailable', reason, `${text}: choose another`, details);
}

function obstacle(listen: Address, said: string): { reason: string; text: string } {
  const target = formatAddress(listen);
  const reason = 'CANNOT_LISTEN';
  const [errno] = /\bE[A-Z]{3,}\b/.exec(said) ?? [''];
  if (errno === 'EADDRINUSE')
    return { reason: 'PORT_IN_USE', text: `${target} is in use by another program` };
  if (errno === 'EADDRNOTAVAIL') return { reason, text: `${target} is not an address of this machine` };
  if (said.includes('getaddrinfo ')) return { reason, text: `cannot resolve the host of ${target}` };
  // The system reports EACCES also for a folder that does not exist.
  if (listen.kind === 'unix' && ['EACCES', 'ENOENT', 'ENOTDIR', 'EPERM', 'EROFS'].includes(errno))
    return {
      reason,
      text: `cannot create a socket at ${listen.path}, whose folder is missing or not writable`,
    };
  if (errno === 'EACCES') return { reason, text: `this user is not allowed to listen on ${target}` };
  return { reason, text: `cannot listen on ${target} (${said})` };
}
