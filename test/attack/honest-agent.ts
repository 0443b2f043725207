import { setTimeout as delay } from 'node:timers/promises';
import { callUnary, readStream } from '@enjambre/rpc/client';
import { AgentUser } from '@enjambre/harness/agent-user';
import { hashFile } from '@enjambre/harness/content';
import type { SwarmAgent } from '@enjambre/harness/swarm';
import { DownloadRequest, TransferState, type Transfer } from '@enjambre/proto/gen/enjambre/agent/v1/agent';

const CALL_TIMEOUT_MS = 60_000;
const WATCH_NANOS = 50_000_000;
const POLL_MS = 5;

/** An agent of the product with an honest user, who uses its control socket. */
export class HonestAgent extends AgentUser {
  constructor(agent: SwarmAgent) {
    super(agent, { timeoutMs: CALL_TIMEOUT_MS });
  }

  /** Downloads, and returns the milliseconds that it took. Throws if it fails or is not done at the deadline. */
  async download(ref: string, sha256: string, deadlineMs: number): Promise<number> {
    const startedMs = performance.now();
    const transfer = await this.finish(ref, deadlineMs);
    const tookMs = performance.now() - startedMs;
    if ((await hashFile(transfer.path)) !== sha256)
      throw new Error(`${ref} has other bytes than were shared`);
    await this.remove(transfer.infohash);
    return tookMs;
  }

  /** Starts a download and waits for its end. */
  async finish(ref: string, deadlineMs: number): Promise<Transfer> {
    const source = { $case: 'ref', value: ref } as const;
    const options = { timeoutMs: deadlineMs };
    const { transfer } = await callUnary(
      this.control.download.bind(this.control),
      DownloadRequest.fromPartial({ source }),
      options,
    );
    const infohash = transfer?.infohash ?? ref;
    const watch = this.control.watchTransfer({
      ref: infohash,
      interval: { seconds: 0n, nanos: WATCH_NANOS },
    });
    let last: Transfer | undefined;
    try {
      for await (const { transfer: now } of readStream(watch, AbortSignal.timeout(deadlineMs))) {
        last = now;
        if (now?.state === TransferState.SEEDING) return now;
        if (now?.state === TransferState.FAILED) throw new Error(`failed: ${now.message}`);
      }
    } catch (error) {
      await this.remove(infohash).catch(() => undefined);
      const seen = last && `${last.doneBytes} of ${last.sizeBytes} bytes`;
      throw new Error(`${(error as Error).message} (${seen ?? 'no state'})`, { cause: error });
    }
    throw new Error('the download ended without a result');
  }

  /** Removes a transfer; a download with its files. */
  async remove(ref: string, deleteData = true): Promise<void> {
    const request = { ref, deleteData, force: false };
    await callUnary(this.control.removeTransfer.bind(this.control), request, {
      timeoutMs: CALL_TIMEOUT_MS,
    });
  }

  /** The ids of the peers that it has banned. */
  async banned(): Promise<string[]> {
    const request = { pageSize: 1000, pageToken: '' };
    const { bans } = await callUnary(this.control.listBans.bind(this.control), request);
    return bans.map(({ peerId }) => peerId);
  }

  async send(target: string, text: string, id = ''): Promise<void> {
    const request = { id, target: { target: { $case: 'peer', value: target } as const }, text };
    await callUnary(this.chat.sendMessage.bind(this.chat), request, { timeoutMs: CALL_TIMEOUT_MS });
  }

  /** Waits for a message with this text. */
  async receive(text: string, deadlineMs: number): Promise<void> {
    const request = { includeRead: false, markRead: true, pageSize: 1000, pageToken: '' };
    const endMs = performance.now() + deadlineMs;
    for (;;) {
      const page = await callUnary(this.chat.listInbox.bind(this.chat), request, {
        timeoutMs: CALL_TIMEOUT_MS,
      });
      if (page.messages.some(({ message }) => message?.text === text)) return;
      if (performance.now() > endMs) throw new Error(`no message arrived within ${deadlineMs} ms`);
      await delay(POLL_MS);
    }
  }
}
