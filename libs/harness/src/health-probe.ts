import { HealthCheckResponse_ServingStatus, HealthClient } from '@enjambre/proto/gen/grpc/health/v1/health';
import { callUnary, readStream } from '@enjambre/rpc/client';
import { dialer } from './dialer.js';

type Status = keyof typeof HealthCheckResponse_ServingStatus;

/** Reads the health of a service from grpc.health.v1 and /readyz. */
export class HealthProbe {
  readonly #client: HealthClient;

  /** @param address "HOST:PORT" */
  constructor(address: string) {
    this.#client = dialer.client(HealthClient, address, 'member', { 'grpc.use_local_subchannel_pool': 1 });
  }

  /** @param service empty for the whole server */
  async status(service: string): Promise<Status> {
    const { status } = await callUnary(this.#client.check.bind(this.#client), { service });
    return nameOf(status);
  }

  /** Watches the status of a service; new statuses are appended to `heard`. */
  watch(service: string): { readonly heard: readonly Status[]; readonly over: Promise<void> } {
    const heard: Status[] = [];
    const follow = async (): Promise<void> => {
      for await (const { status } of readStream(this.#client.watch({ service }))) heard.push(nameOf(status));
    };
    return { heard, over: follow().catch(() => undefined) };
  }

  close(): void {
    this.#client.close();
  }
}

/** The response of /readyz. */
export interface Readiness {
  readonly status: number;
  readonly state: string;
  readonly reasons: readonly string[];
  readonly checks: Readonly<Record<string, boolean>>;
}

/** @param metrics "HOST:PORT" of `--metrics` */
export async function readiness(metrics: string): Promise<Readiness> {
  const response = await fetch(`http://${metrics}/readyz`);
  return { status: response.status, ...((await response.json()) as Omit<Readiness, 'status'>) };
}

function nameOf(status: HealthCheckResponse_ServingStatus): Status {
  return HealthCheckResponse_ServingStatus[status] as Status;
}
