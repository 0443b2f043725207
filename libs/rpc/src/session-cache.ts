import type { X509Certificate } from 'node:crypto';

/** More than the servers that one program has connections to at a time. */
const MAX_SESSIONS = 1000;

interface CachedSession {
  readonly ticket: Buffer;
  /** That of the server: Node does not look at it again. */
  readonly certificate: X509Certificate;
}

/** TLS sessions to resume, by server. The least recently used is dropped first. */
export class SessionCache {
  readonly #sessions = new Map<string, CachedSession>();

  /** Takes the session, if the certificate of its server is still valid: a ticket is used once. */
  take(server: string, now: number): CachedSession | undefined {
    const session = this.#sessions.get(server);
    this.#sessions.delete(server);
    return session && Date.parse(session.certificate.validTo) > now ? session : undefined;
  }

  put(server: string, session: CachedSession): void {
    this.#sessions.delete(server);
    this.#sessions.set(server, session);
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size > MAX_SESSIONS && oldest !== undefined) this.#sessions.delete(oldest);
  }

  clear(): void {
    this.#sessions.clear();
  }
}
