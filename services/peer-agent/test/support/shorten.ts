import { jest } from '@jest/globals';

/** Makes timers of exactly `ms` fire after `shortMs` instead, until `restore` is called. */
export function shortenTimers(ms: number, shortMs: number): { restore: () => void; ranOut: Promise<void> } {
  const real = globalThis.setTimeout;
  let noteEnd: () => void = () => undefined;
  const ranOut = new Promise<void>((resolve) => (noteEnd = resolve));
  const short = (run: () => void, delay?: number): NodeJS.Timeout => {
    if (delay !== ms) return real(run, delay);
    return real(() => {
      run();
      noteEnd();
    }, shortMs);
  };
  const spy = jest.spyOn(globalThis, 'setTimeout').mockImplementation(Object.assign(short, { ...real }));
  return { restore: () => spy.mockRestore(), ranOut };
}
