import { callUnary, readStream } from '@enjambre/rpc/client';
import { dialer } from '@enjambre/harness/dialer';
import { waitFor } from '@enjambre/harness/wait-for';
import {
  AgentServiceClient,
  DownloadRequest,
  TrackerState,
  TransferState,
  type Transfer,
} from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { nowMs } from './team.js';

/** Orders to an agent by its control API, like those of the `enjambre` command. */
export class AgentControl {
  readonly #client: AgentServiceClient;

  constructor(dataDir: string) {
    this.#client = dialer.client(AgentServiceClient, `unix:${dataDir}/agent.sock`, 'agent', {
      'grpc.use_local_subchannel_pool': 1,
    });
  }

  /** Resolves when the agent is connected to its tracker. */
  async ready(): Promise<void> {
    const getInfo = this.#client.getInfo.bind(this.#client);
    const connected = async (): Promise<boolean> =>
      (await callUnary(getInfo, {})).trackerState === TrackerState.CONNECTED;
    await waitFor(connected, { what: 'an agent to connect to its tracker', timeoutMs: 60_000 });
  }

  /** Downloads. Returns the time of completion, verified, in milliseconds since 1970. */
  async get(infohash: string): Promise<number> {
    const download = this.#client.download.bind(this.#client);
    const source = { $case: 'ref', value: infohash } as const;
    await callUnary(download, DownloadRequest.fromPartial({ source }));
    for await (const { transfer } of readStream(
      this.#client.watchTransfer({ ref: infohash, interval: undefined }),
    )) {
      if (transfer?.state === TransferState.SEEDING) return nowMs();
      if (transfer?.state === TransferState.FAILED) throw new Error(transfer.message);
    }
    throw new Error('the transfer was removed before it was complete');
  }

  async transfer(infohash: string): Promise<Transfer> {
    const getTransfer = this.#client.getTransfer.bind(this.#client);
    const { transfer } = await callUnary(getTransfer, { ref: infohash });
    if (!transfer) throw new Error('an answer without a transfer');
    return transfer;
  }

  /** Removes a download and deletes its data. */
  async remove(infohash: string): Promise<void> {
    const remove = this.#client.removeTransfer.bind(this.#client);
    await callUnary(remove, { ref: infohash, deleteData: true, force: false }, { timeoutMs: 60_000 });
  }

  close(): void {
    this.#client.close();
  }
}
