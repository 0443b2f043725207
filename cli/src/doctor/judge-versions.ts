import { about, listed, type Finding } from './finding.js';

export interface VersionFacts {
  /** Version of this command. */
  readonly cli: string;
  /** Version of Node, such as "v20.20.2". */
  readonly node: string;
  /** Versions of other processes; empty if unknown. */
  readonly others: readonly { readonly who: string; readonly version: string }[];
}

const MIN_NODE = [20, 19] as const;

const { ok, warn, fail } = about('versions');

/** Mixed versions work together, so a difference is a warning, not a failure. */
export function judgeVersions({ cli, node, others }: VersionFacts): Finding[] {
  const [major = 0, minor = 0] = node.replace(/^v/, '').split('.').map(Number);
  const tooOld = major < MIN_NODE[0] || (major === MIN_NODE[0] && minor < MIN_NODE[1]);
  const findings = tooOld
    ? [fail(`this is Node ${node}, but Node ${MIN_NODE.join('.')} or newer is required: install it`)]
    : [];
  const different = others.filter(({ version }) => version !== '' && version !== cli);
  if (different.length > 0) {
    const names = listed(different.map(({ who, version }) => `${who} is ${version}`));
    findings.push(
      warn(`this command is ${cli}, and ${names}: they work together, but upgrade all to one version soon`),
    );
  }
  if (findings.length > 0) return findings;
  const known = others.filter(({ version }) => version !== '').map(({ who }) => who);
  const same =
    known.length === 0
      ? 'no other process reported its version'
      : `so ${known.length === 1 ? 'is' : 'are'} ${listed(known)}`;
  return [ok(`this command is ${cli} on Node ${node}; ${same}`)];
}
