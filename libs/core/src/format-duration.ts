const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * A duration as people write it in a flag: `250ms`, `2.5s`, `12s`, `3m20s`, `2h5m`, `3d4h`. It has at most two units,
 * of which the smaller one is rounded down.
 */
export function formatDuration(ms: number): string {
  if (ms < 1) return '0s';
  if (Math.round(ms) < SECOND) return `${String(Math.round(ms))}ms`;
  const tenths = Math.round(ms / 100) / 10;
  if (tenths < 10) return `${String(tenths)}s`;
  const whole = Math.round(ms / SECOND) * SECOND;
  if (whole < MINUTE) return `${String(whole / SECOND)}s`;
  if (whole < HOUR) return two(whole, [MINUTE, 'm'], [SECOND, 's']);
  if (whole < DAY) return two(whole, [HOUR, 'h'], [MINUTE, 'm']);
  return two(whole, [DAY, 'd'], [HOUR, 'h']);
}

type Unit = readonly [ms: number, name: string];

function two(ms: number, [large, largeName]: Unit, [small, smallName]: Unit): string {
  const rest = Math.floor((ms % large) / small);
  const first = `${String(Math.floor(ms / large))}${largeName}`;
  return rest === 0 ? first : `${first}${String(rest)}${smallName}`;
}
