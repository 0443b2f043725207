import { about, type Finding } from './finding.js';

export interface ConfigFacts {
  /** Problems with flags and variables, each with the name. */
  readonly problems: readonly string[];
  /** Unknown ENJAMBRE_ variables, each with the known one that was probably meant. */
  readonly unknown: readonly { readonly name: string; readonly meant?: string | undefined }[];
  /** Variables in their older form, each with the one that replaces it. */
  readonly old: readonly { readonly name: string; readonly instead: string }[];
  /** Of the agent; absent if the setting is invalid. */
  readonly dataDir?: string | undefined;
  readonly sharedDir?: string | undefined;
}

const { ok, warn, fail } = about('config');

/** Findings about the flags and environment variables here, not about those of an agent on another machine. */
export function judgeConfig({ problems, unknown, old, dataDir, sharedDir }: ConfigFacts): Finding[] {
  const findings = [
    ...problems.map((problem) => fail(`${problem}: an agent does not start with this setting`)),
    ...unknown.map(({ name, meant }) =>
      warn(
        meant === undefined
          ? `${name} is not a setting of enjambre and has no effect: unset it`
          : `${name} is not a setting of enjambre and has no effect: did you mean ${meant}?`,
      ),
    ),
    ...old.map(({ name, instead }) =>
      warn(`${name} is deprecated, and the next version ignores it: set ${instead}`),
    ),
  ];
  if (dataDir !== undefined && sharedDir !== undefined && `${dataDir}/`.startsWith(`${sharedDir}/`)) {
    findings.push(
      fail(`the data folder ${dataDir} is inside the shared folder ${sharedDir}: move one of them`),
    );
  }
  return findings.length > 0 ? findings : [ok('flags and environment variables are valid')];
}

/** The one of `names` nearest to a misspelled one; undefined if none is near. */
export function nearest(misspelled: string, names: Iterable<string>): string | undefined {
  let best: { readonly name: string; readonly distance: number } | undefined;
  for (const name of names) {
    const distance = editDistance(misspelled, name);
    if (distance <= MAX_TYPOS && (!best || distance < best.distance)) best = { name, distance };
  }
  return best?.name;
}

const MAX_TYPOS = 3;

/** Levenshtein distance: inserted, deleted and replaced characters. */
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
