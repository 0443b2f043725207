import { EnjambreError } from '@enjambre/core/error';
import { isPublic, mayCall, rightMissingAt, rolesAt } from '@enjambre/core/trust/policy';
import { rightMissing } from '@enjambre/core/trust/rights';
import type { Connection } from './connection.js';

/** Why the client of a connection may not call a method; undefined if it may, as everybody may without TLS. */
export function denialOf({ client }: Pick<Connection, 'client'>, path: string): EnjambreError | undefined {
  if (!client || isPublic(path)) return undefined;
  if (!client.identity) return client.problem;
  const problem = client.problemNow();
  if (problem) return problem;
  if (mayCall(client.identity, path)) {
    const right = rightMissingAt(path, client.identity);
    return right && rightMissing(right);
  }
  const needed = rolesAt(path).join(' or ');
  const message = `a certificate with the role ${client.identity.role} does not allow this call: use one with the role ${needed}`;
  return new EnjambreError('denied', 'WRONG_ROLE', message);
}
