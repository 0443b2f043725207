import { EnjambreError } from '@enjambre/core/error';
import { MAX_RATE, MIN_RATE } from '@enjambre/common/config/parse-quantities';
import type { HandlerFactory } from '@enjambre/rpc/handlers';
import type {
  AgentServiceServer,
  LimitChange as WireChange,
  SetLimitsRequest,
  SetLimitsResponse,
} from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import type { AgentLimits } from '../../app/agent/limits.js';
import type { Transfers } from '../../app/transfer/transfers.js';
import type { LimitChange, RateSettings } from '../../domain/limits/limit-settings.js';
import { millisecondsOf, priorityFromWire, transferToWire } from './convert.js';

interface Components {
  readonly transfers: Transfers;
  readonly limits: AgentLimits;
}

/** Sets the rate limits of the agent and its transfers. */
export function limitHandlers(
  components: Components,
  handlers: HandlerFactory,
): Pick<AgentServiceServer, 'setLimits'> {
  return { setLimits: handlers.unary((request) => setLimits(components, request)) };
}

async function setLimits(
  { transfers, limits }: Components,
  { ref, change: wire }: SetLimitsRequest,
): Promise<SetLimitsResponse> {
  const change = limitChangeFromWire(wire);
  if (ref !== '') {
    const transfer = transfers.get(ref);
    transfer.limits.change(change);
    await transfers.save(transfer);
    return { transfer: transferToWire(transfer.view()), ...agentLimitsToWire(limits) };
  }
  const { priority, seedRatio, seedTimeMs } = change;
  if (priority !== undefined || seedRatio !== undefined || seedTimeMs !== undefined) {
    const message = 'only a transfer has a priority or seeding limits that can be changed: name the transfer';
    throw new EnjambreError('invalid', 'NO_TRANSFER', message);
  }
  limits.change(change);
  return { transfer: undefined, ...agentLimitsToWire(limits) };
}

export function agentLimitsToWire({ settings }: { readonly settings: RateSettings }): {
  maxUpload: bigint;
  maxDownload: bigint;
} {
  return { maxUpload: BigInt(settings.maxUpload), maxDownload: BigInt(settings.maxDownload) };
}

/** Throws `invalid` BAD_RATE or BAD_SEED_LIMIT. */
export function limitChangeFromWire(change: WireChange | undefined): LimitChange {
  if (!change) return {};
  const { maxUpload, maxDownload, seedRatio, seedTime } = change;
  const priority = priorityFromWire(change.priority);
  return {
    ...(maxUpload !== undefined && { maxUpload: rateOf(maxUpload) }),
    ...(maxDownload !== undefined && { maxDownload: rateOf(maxDownload) }),
    ...(priority && { priority }),
    ...(seedRatio !== undefined && { seedRatio: seedLimitOf(seedRatio) }),
    ...(seedTime && { seedTimeMs: seedLimitOf(millisecondsOf(seedTime, 0)) }),
  };
}

/** Negative for none. */
function seedLimitOf(wire: number): number {
  if (wire < 0 || wire === Infinity) return Infinity;
  if (wire <= Number.MAX_SAFE_INTEGER) return wire;
  throw new EnjambreError(
    'invalid',
    'BAD_SEED_LIMIT',
    'a seeding limit is a number from 0, or negative for none',
  );
}

function rateOf(wire: bigint): number {
  const rate = Number(wire);
  if (rate === 0 || (rate >= MIN_RATE && rate <= MAX_RATE)) return rate;
  const message = `a limit of ${rate} bytes per second is out of range: choose from ${MIN_RATE} to ${MAX_RATE}, or 0 for none`;
  throw new EnjambreError('invalid', 'BAD_RATE', message);
}
