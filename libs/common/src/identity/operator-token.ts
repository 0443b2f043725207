import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { link, mkdir, open, readFile, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { parseTcpAddress, isLoopbackHost } from '../config/address.js';
import { interfaceHosts } from '../config/interface-hosts.js';
import type { Startable } from '../lifecycle/lifecycle.js';
import type { Logger } from '../log/logger.js';
import { errnoOf, systemErrorText } from '../system-error.js';

const TOKEN_BYTES = 32;
/** A truncated file must not serve as a weak token. */
const MIN_TOKEN_CHARS = 16;
const MAX_TOKEN_CHARS = 128;

/** The metadata of a call. */
interface CallMetadata {
  get(key: string): readonly unknown[];
}

/** The operator's token as a service checks it. Without a readable file there is no operator, and a warning says so. */
export class OperatorToken implements Startable {
  #token: string | undefined;

  constructor(
    private readonly parts: { readonly log: Logger },
    private readonly file: string | undefined,
  ) {}

  async start(): Promise<void> {
    try {
      if (this.file === undefined) throw new Error('there is no home folder');
      this.#token = await readOrCreate(this.file);
    } catch (error) {
      const where = this.file === undefined ? '' : ` in ${this.file}`;
      this.parts.log.warn(
        { setting: 'operatorTokenFile' },
        `there is no operator, who may read all texts in events: no token${where} (${systemErrorText(error)}). ` +
          'To have one, name a file that can be created or read with --operator-token-file',
      );
    }
  }

  stop(): Promise<void> {
    return Promise.resolve();
  }

  /** The value of the "authorization" that an operator presents; undefined if there is no operator. */
  get authorization(): string | undefined {
    return this.#token === undefined ? undefined : `Bearer ${this.#token}`;
  }

  /** True if the call carries "authorization: Bearer TOKEN". Takes the same time for every wrong token. */
  isPresentedIn(metadata: CallMetadata): boolean {
    const { authorization } = this;
    if (authorization === undefined) return false;
    const expected = digestOf(authorization);
    return metadata.get('authorization').some((given) => timingSafeEqual(digestOf(String(given)), expected));
  }
}

/**
 * The "authorization" to present to a service at `address`, from the file of its operator; undefined if the service is
 * on another machine, which must not learn it, or there is no such file.
 */
export async function operatorAuthorization(
  address: string,
  file: string | undefined,
): Promise<string | undefined> {
  if (file === undefined || !isOnThisMachine(address)) return undefined;
  const token = (await readFile(file, 'utf8').catch(() => '')).trim();
  return isToken(token) ? `Bearer ${token}` : undefined;
}

function isOnThisMachine(address: string): boolean {
  const { host } = parseTcpAddress(address);
  return isLoopbackHost(host) || interfaceHosts({ onlyIpv4: false }).includes(host);
}

/** Throws an error with the cause if there is no token and none can be created. */
async function readOrCreate(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return undefined;
    throw error;
  });
  const token = (text ?? (await create(file))).trim();
  if (isToken(token)) return token;
  throw new Error(`it is not one line of ${MIN_TOKEN_CHARS} to ${MAX_TOKEN_CHARS} letters and digits`);
}

/** Creates the file in one step; of several services that do so at a time, all get the token of the first. */
async function create(file: string): Promise<string> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  const handle = await open(draft, 'wx', 0o600);
  try {
    await handle.writeFile(`${randomBytes(TOKEN_BYTES).toString('base64url')}\n`);
    await handle.sync();
    await link(draft, file).catch((error: unknown) => {
      if (errnoOf(error) !== 'EEXIST') throw error;
    });
  } finally {
    await handle.close();
    await unlink(draft).catch(() => undefined);
  }
  return readFile(file, 'utf8');
}

function isToken(text: string): boolean {
  return text.length >= MIN_TOKEN_CHARS && text.length <= MAX_TOKEN_CHARS && /^[\w-]+$/.test(text);
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
