import { formatDuration } from '@enjambre/core/format-duration';
import { formatSeconds } from '../render/text.js';
import { about, type Finding } from './finding.js';

/** Offset of a clock from that of this process; negative if it is behind. */
export interface ClockOffset {
  readonly offsetMs: number;
  /** Error bound of the offset: half of the round-trip time. */
  readonly errorMs: number;
}

export interface ClockFacts {
  /** Of the agent; absent if it does not answer or does not report its time. */
  readonly agent?: ClockOffset | undefined;
  /** Of each tracker that answered; `clock` is absent if it does not report its time. */
  readonly trackers: readonly { readonly address: string; readonly clock?: ClockOffset | undefined }[];
  /** How far the wall clock moved against the monotonic clock during the measurement. */
  readonly jumpMs: number;
}

const WARN_MS = 2000;
const FAIL_MS = 60_000;
const MAX_JUMP_MS = 500;

const { ok, warn, fail } = about('clock');

/** Times of events, messages and bans come from several machines, so their clocks must agree. */
export function judgeClocks({ agent, trackers, jumpMs }: ClockFacts): Finding[] {
  const here: ClockOffset = agent ?? { offsetMs: 0, errorMs: 0 };
  const who = agent ? "the agent's clock" : 'the clock here';
  const findings = trackers.map(({ address, clock }) => {
    if (!clock) return ok(`tracker ${address} does not report its time: it runs an older version`);
    const skewMs = here.offsetMs - clock.offsetMs;
    const off = Math.max(0, Math.abs(skewMs) - here.errorMs - clock.errorMs);
    const error = Math.ceil(here.errorMs + clock.errorMs);
    if (off < WARN_MS)
      return ok(
        `${who} and that of tracker ${address} agree within ${formatDuration(Math.max(1, Math.ceil(off) + error))}`,
      );
    const what = `${who} is ${formatSeconds(Math.round(Math.abs(skewMs) / 100) / 10)} ${skewMs > 0 ? 'ahead of' : 'behind'} that of tracker ${address}`;
    return (off < FAIL_MS ? warn : fail)(`${what}: event times are misleading; synchronize both with NTP`);
  });
  if (Math.abs(jumpMs) > MAX_JUMP_MS) {
    const by = formatSeconds(Math.round(Math.abs(jumpMs) / 100) / 10);
    findings.push(
      warn(
        `the clock here jumped by ${by} during this check: find out what sets it (NTP should slew, not step)`,
      ),
    );
  }
  return findings;
}
