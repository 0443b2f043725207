import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { callUnary, readStream } from '@enjambre/rpc/client';
import { AgentUser } from '@enjambre/harness/agent-user';
import { fromServiceError } from '@enjambre/rpc/status';
import { hashFile } from '@enjambre/harness/content';
import {
  DownloadRequest,
  TransferState,
  type SharedFile,
  type Transfer,
} from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import type { AgentMessagingServiceClient } from '@enjambre/proto/gen/enjambre/agent/v1/messages';

/** A shared file, with its infohash and content. */
export interface Original {
  readonly shared: SharedFile;
  readonly sha256: string;
}

const CALL_TIMEOUT_MS = 30_000;
/** A download without progress for this time is stuck, whatever was restarted. */
const DOWNLOAD_TIMEOUT_MS = 120_000;
/** Interval between two messages: steady chat that does not fill inboxes. */
const CHAT_PAUSE_MS = 25;

/** An agent that repeatedly downloads and removes files, and chats, over its control socket. */
export class BusyAgent extends AgentUser {
  readonly downloads: { failed: string[]; done: number; wrong: number } = { failed: [], done: 0, wrong: 0 };
  /** Texts of the acknowledged messages, in order. */
  readonly sent: string[] = [];
  /** Failed attempts to send a message. */
  retries = 0;
  isDownloading = false;

  /** Downloads one original after the other until `signal` aborts, and completes the current one. */
  async keepDownloading(originals: readonly Original[], signal: AbortSignal): Promise<void> {
    for (let at = 0; !signal.aborted; at++) {
      const original = originals[at % originals.length] as Original;
      this.isDownloading = true;
      try {
        const transfer = await this.#download(original);
        if ((await hashFile(transfer.path)) === original.sha256) this.downloads.done += 1;
        else this.downloads.wrong += 1;
        const request = { ref: transfer.infohash, deleteData: true, force: false };
        await callUnary(this.control.removeTransfer.bind(this.control), request);
        await rm(transfer.path, { force: true });
      } catch (error) {
        this.downloads.failed.push(String(error));
        return;
      } finally {
        this.isDownloading = false;
      }
    }
  }

  /** Sends numbered messages to `receiver` until `signal` aborts, and retries each until it succeeds. */
  async keepChatting(receiver: string, signal: AbortSignal): Promise<void> {
    const target = { target: { $case: 'peer', value: receiver } } as const;
    for (let number = 0; !signal.aborted; number++) {
      const text = `${this.agent.name} ${number}`;
      const request = { id: `${this.agent.name}-${number}`, target, text };
      while (!(await this.#sends(request))) this.retries += 1;
      this.sent.push(text);
      await delay(CHAT_PAUSE_MS);
    }
  }

  async #download({ shared }: Original): Promise<Transfer> {
    // With the metainfo no lookup is needed, so it also starts while the tracker is unavailable.
    const source = { $case: 'metainfo', value: shared.metainfo } as const;
    const request = DownloadRequest.fromPartial({ source });
    const options = { timeoutMs: CALL_TIMEOUT_MS };
    const { transfer } = await callUnary(this.control.download.bind(this.control), request, options);
    const ref = transfer?.infohash ?? '';
    const signal = AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS);
    const watch = this.control.watchTransfer({ ref, interval: { seconds: 0n, nanos: 50_000_000 } });
    for await (const { transfer: now } of readStream(watch, signal)) {
      if (now?.state === TransferState.SEEDING) return now;
      if (now?.state === TransferState.FAILED) throw new Error(`failed: ${now.message}`);
    }
    throw new Error('the download ended without a result');
  }

  async #sends(request: Parameters<AgentMessagingServiceClient['sendMessage']>[0]): Promise<boolean> {
    try {
      const options = { timeoutMs: CALL_TIMEOUT_MS };
      await callUnary(this.chat.sendMessage.bind(this.chat), request, options);
      return true;
    } catch (error) {
      const { code, message } = fromServiceError(error);
      if (code === 'unavailable' || code === 'timeout') return false;
      throw new Error(`${this.agent.name}: ${message}`, { cause: error });
    }
  }
}
