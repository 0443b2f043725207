/** More than the servers that one program has connections to at a time. */
const MAX_SESSIONS = 1000;

/** TLS sessions to resume, by server. The least recently used is dropped first. */
export class SessionCache {
  readonly #sessions = new Map<string, Buffer>();

  /** Takes the session: a ticket is used once. */
  take(server: string): Buffer | undefined {
    const session = this.#sessions.get(server);
    this.#sessions.delete(server);
    return session;
  }

  put(server: string, session: Buffer): void {
    this.#sessions.delete(server);
    this.#sessions.set(server, session);
    const [oldest] = this.#sessions.keys();
    if (this.#sessions.size > MAX_SESSIONS && oldest !== undefined) this.#sessions.delete(oldest);
  }

  clear(): void {
    this.#sessions.clear();
  }
}
