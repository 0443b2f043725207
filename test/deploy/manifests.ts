import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { IContainer } from 'kubernetes-models/v1/Container';
import type { IPodTemplateSpec } from 'kubernetes-models/v1/PodTemplateSpec';
import { parseAllDocuments } from 'yaml';

export const ROOT = resolve(import.meta.dirname, '../..');
export const OVERLAYS = ['dev', 'prod'] as const;
/** Manifests that are applied without rendering. */
export const EXAMPLES = ['deploy/k8s/examples/on-all-nodes.yaml'] as const;

export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name?: string;
    readonly generateName?: string;
    readonly namespace?: string;
    readonly labels?: Labels;
  };
  readonly spec?: Readonly<Record<string, unknown>>;
  readonly [field: string]: unknown;
}

export type Labels = Readonly<Record<string, string>>;

/** A workload, which creates pods. */
export interface Workload {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly replicas: number;
  readonly template: IPodTemplateSpec;
  readonly labels: Labels;
  /** Selector of its pods; absent for a Job, which generates one. */
  readonly selector: Labels | undefined;
}

/** The manifests of an overlay, as rendered by `kubectl kustomize`. */
export function render(overlay: (typeof OVERLAYS)[number]): Manifest[] {
  const kubectl = execFileSync(process.execPath, ['tools/kubectl.mjs'], { cwd: ROOT, encoding: 'utf8' });
  const folder = `deploy/k8s/overlays/${overlay}`;
  return parse(execFileSync(kubectl.trim(), ['kustomize', folder], { cwd: ROOT, encoding: 'utf8' }));
}

/** The manifests in a file of the repository. */
export function read(path: string): Manifest[] {
  return parse(readFileSync(`${ROOT}/${path}`, 'utf8'));
}

function parse(text: string): Manifest[] {
  return parseAllDocuments(text).map((document) => {
    const [error] = document.errors;
    if (error) throw error;
    return document.toJS() as Manifest;
  });
}

export function named(manifest: Manifest): string {
  return `${manifest.kind}/${manifest.metadata.name ?? manifest.metadata.generateName ?? ''}`;
}

export function ofKind(manifests: readonly Manifest[], kind: string): Manifest[] {
  return manifests.filter((manifest) => manifest.kind === kind);
}

export function workloadsOf(manifests: readonly Manifest[]): Workload[] {
  return manifests.flatMap((manifest) => {
    const spec = manifest.spec as
      { template?: IPodTemplateSpec; replicas?: number; selector?: { matchLabels?: Labels } } | undefined;
    if (!spec?.template) return [];
    const { name = '', generateName = '', namespace = '' } = manifest.metadata;
    return {
      kind: manifest.kind,
      name: name || generateName,
      namespace,
      replicas: spec.replicas ?? 1,
      template: spec.template,
      labels: spec.template.metadata?.labels ?? {},
      selector: spec.selector?.matchLabels,
    };
  });
}

/** The workload of that name. Throws if there is none. */
export function workload(manifests: readonly Manifest[], name: string): Workload {
  const found = workloadsOf(manifests).find((each) => each.name === name);
  if (!found) throw new Error(`there is no workload ${name}`);
  return found;
}

export function containersOf({ template }: Workload): IContainer[] {
  return template.spec?.containers ?? [];
}

export function initContainersOf({ template }: Workload): IContainer[] {
  return template.spec?.initContainers ?? [];
}

/** True if `labels` contains all of `wanted`. */
export function matches(wanted: Labels, labels: Labels): boolean {
  return Object.entries(wanted).every(([key, value]) => labels[key] === value);
}
