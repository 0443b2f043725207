import type { GetInfoResponse, Transfer } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import type { File } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import type { AgentClient } from '../agent-client.js';
import { failureOf } from '../exit.js';
import type { KnownMember } from '../render/json.js';
import type { Tab } from './state.js';

/** What `enjambre top` shows. */
export interface TopData {
  readonly info: GetInfoResponse;
  readonly transfers: readonly Transfer[];
  /** Undefined until they were listed. */
  readonly peers: readonly KnownMember[] | undefined;
  readonly files: readonly File[] | undefined;
  /** Why the network cannot be listed, such as a tracker that does not answer; empty if it can. */
  readonly problem: string;
}

/** Lists of the network are fetched this often: there may be very many peers and files. */
const NETWORK_MS = 5000;

/** Fetches what the screen shows. */
export class TopSource {
  #peers: { readonly found: readonly KnownMember[]; readonly atMs: number } | undefined;
  #files: { readonly found: readonly File[]; readonly atMs: number } | undefined;
  #problem = '';

  constructor(
    private readonly agent: AgentClient,
    private readonly nowMs: () => number,
  ) {}

  /** Throws if the agent does not answer. @param tabs the lists to be shown */
  async fetch(tabs: readonly Tab[]): Promise<TopData> {
    const [info, transfers] = await Promise.all([this.agent.info(), this.agent.transfers()]);
    try {
      if (tabs.includes('peers')) this.#peers = await this.#renewed(this.#peers, () => this.agent.peers(''));
      if (tabs.includes('network'))
        this.#files = await this.#renewed(this.#files, () => this.agent.files(''));
      this.#problem = '';
    } catch (error) {
      this.#problem = failureOf(error).message;
    }
    return { info, transfers, peers: this.#peers?.found, files: this.#files?.found, problem: this.#problem };
  }

  async #renewed<T>(
    before: { readonly found: readonly T[]; readonly atMs: number } | undefined,
    list: () => Promise<readonly T[]>,
  ): Promise<{ readonly found: readonly T[]; readonly atMs: number }> {
    const atMs = this.nowMs();
    if (before && atMs - before.atMs < NETWORK_MS) return before;
    return { found: await list(), atMs };
  }
}
