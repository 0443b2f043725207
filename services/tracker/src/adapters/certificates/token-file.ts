import { readFile } from 'node:fs/promises';
import { Serial } from '@enjambre/common/async/serial';
import { replaceFile } from '@enjambre/common/files/new-file';
import { errnoOf, systemErrorText } from '@enjambre/common/system-error';
import { EnjambreError } from '@enjambre/core/error';
import { z } from 'zod';
import { tokenUseSchema, usedUp } from './token-record.js';
import { withUse, type CountedToken, type TokenUses } from '../../domain/token-uses.js';

const fileSchema = z.record(z.string(), tokenUseSchema);
const PRIVATE = 0o600;

/** Counts the uses of join tokens in a file, which a restart survives. */
export class TokenFile {
  readonly #turns = new Serial();
  #uses: TokenUses | undefined;

  constructor(private readonly path: string) {}

  /**
   * Records one more use before it counts: after a crash a use may be lost, and no token is good for more. Throws
   * `denied` JOIN_TOKEN_REFUSED if it is used up, `unavailable` CA_UNAVAILABLE if it cannot be recorded.
   */
  use(token: CountedToken, peer: string, now: number): Promise<void> {
    return this.#turns.run(async () => {
      const next = withUse((this.#uses ??= await this.#read()), token, peer, now);
      if (!next) throw usedUp(token);
      if (next !== this.#uses) await this.#write(next);
      this.#uses = next;
    });
  }

  async #read(): Promise<TokenUses> {
    try {
      const read = fileSchema.parse(JSON.parse(await readFile(this.path, 'utf8')));
      return new Map(
        Object.entries(read).map(([id, { peers, expires_at: expiresAt }]) => [id, { peers, expiresAt }]),
      );
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return new Map();
      throw unavailable(error);
    }
  }

  async #write(uses: TokenUses): Promise<void> {
    const value = [...uses].map(([id, { peers, expiresAt }]) => [id, { peers, expires_at: expiresAt }]);
    const text = `${JSON.stringify(Object.fromEntries(value))}\n`;
    await replaceFile(this.path, text, PRIVATE).catch((error: unknown) => {
      throw unavailable(error);
    });
  }
}

/** The path is nothing for a client. */
function unavailable(cause: unknown): EnjambreError {
  const why = errnoOf(cause) === '' ? 'their file is damaged' : systemErrorText(cause);
  const message = `the tracker cannot record the uses of join tokens (${why}): repair used-tokens.json beside its CA, then try again`;
  return new EnjambreError('unavailable', 'CA_UNAVAILABLE', message, { cause });
}
