import { EnjambreError, messageOf } from '@enjambre/core/error';
import { formatAddress, type Address } from './address.js';

/**
 * Says why a server cannot listen. `error` is what the system or grpc-js gave.
 *
 * @param setting which of its settings says where it listens
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
  if (said.startsWith('Name resolution failed'))
    return { reason, text: `the host of ${target} is not known` };
  // The system says EACCES of a folder that is not there, too.
  if (listen.kind === 'unix' && ['EACCES', 'ENOENT', 'ENOTDIR', 'EPERM', 'EROFS'].includes(errno))
    return {
      reason,
      text: `no socket can be made at ${listen.path}, whose folder is missing or not writable`,
    };
  if (errno === 'EACCES') return { reason, text: `this user may not listen on ${target}` };
  return { reason, text: `cannot listen on ${target} (${said})` };
}
