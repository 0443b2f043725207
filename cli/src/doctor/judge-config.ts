import { about, type Finding } from './finding.js';

export interface ConfigFacts {
  /** What is wrong with a flag or variable, each with its name. */
  readonly problems: readonly string[];
  /** Variables that look like ours and are not, each with the one that was meant, if that can be told. */
  readonly unknown: readonly { readonly name: string; readonly meant?: string | undefined }[];
  /** Of the agent; absent where there is a problem. */
  readonly dataDir?: string | undefined;
  readonly sharedDir?: string | undefined;
}

const { ok, warn, fail } = about('config');

/** What is to be said of flags and environment variables, those of an agent that runs elsewhere left out. */
export function judgeConfig({ problems, unknown, dataDir, sharedDir }: ConfigFacts): Finding[] {
  const findings = [
    ...problems.map((problem) => fail(`${problem}: no agent starts with that`)),
    ...unknown.map(({ name, meant }) =>
      warn(
        meant === undefined
          ? `${name} is no setting of enjambre and changes nothing: unset it`
          : `${name} is no setting of enjambre and changes nothing: say ${meant}`,
      ),
    ),
  ];
  if (dataDir !== undefined && sharedDir !== undefined && `${dataDir}/`.startsWith(`${sharedDir}/`)) {
    findings.push(
      fail(`the data folder ${dataDir} lies in the shared folder ${sharedDir}: move one of them`),
    );
  }
  return findings.length > 0 ? findings : [ok('flags and environment variables are right')];
}

/** Which of `names` a misspelled one is most like; undefined if none is near. */
export function nearest(misspelled: string, names: Iterable<string>): string | undefined {
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const name of names) {
    const distance = editDistance(misspelled, name);
    if (distance <= MAX_TYPOS && (!best || distance < best.distance)) best = { name, distance };
  }
  return best?.name;
}

const MAX_TYPOS = 3;

/** Levenshtein's: single characters added, left out or changed. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let at = 1; at <= from.length; at++) {
    const next = [at];
    for (let other = 1; other <= to.length; other++) {
      const changed = (row[other - 1] ?? 0) + (from[at - 1] === to[other - 1] ? 0 : 1);
      next.push(Math.min(changed, (row[other] ?? 0) + 1, (next[other - 1] ?? 0) + 1));
    }
    row = next;
  }
  return row[to.length] ?? 0;
}
