import { matches, ofKind, type Labels, type Manifest } from './manifests.js';

/** The properties of a pod that network policies select by. */
export interface End {
  readonly namespace: string;
  readonly labels: Labels;
}

interface Selector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly { key: string; operator: string; values: readonly string[] }[];
}
interface Peer {
  readonly podSelector?: Selector;
  readonly namespaceSelector?: Selector;
}
interface Rule {
  readonly from?: readonly Peer[];
  readonly to?: readonly Peer[];
  readonly ports?: readonly { port: number; protocol?: string }[];
}
interface Policy {
  readonly podSelector: Selector;
  readonly policyTypes: readonly string[];
  readonly ingress?: readonly Rule[];
  readonly egress?: readonly Rule[];
}

/**
 * True if a connection from `from` to `to` on a TCP port is allowed, by egress at one end and ingress at the other.
 * As in Kubernetes: without a policy that selects it, a pod is open in that direction; otherwise one rule must match.
 */
export function letsThrough(manifests: readonly Manifest[], from: End, to: End, port: number): boolean {
  const opens = (end: End, direction: 'Ingress' | 'Egress', other: End): boolean => {
    const policies = policiesOf(manifests, end, direction);
    if (policies.length === 0) return true;
    const rules = policies.flatMap(({ ingress = [], egress = [] }) =>
      direction === 'Ingress' ? ingress : egress,
    );
    return rules.some((rule) =>
      allows(rule, direction === 'Ingress' ? rule.from : rule.to, { end, other, port }),
    );
  };
  return opens(from, 'Egress', to) && opens(to, 'Ingress', from);
}

/** True if the default of a namespace is to deny all traffic. */
export function isClosed(manifests: readonly Manifest[], namespace: string): boolean {
  const anyPod = { namespace, labels: {} };
  return (['Ingress', 'Egress'] as const).every((way) => policiesOf(manifests, anyPod, way).length > 0);
}

function policiesOf(manifests: readonly Manifest[], { namespace, labels }: End, direction: string): Policy[] {
  return ofKind(manifests, 'NetworkPolicy')
    .filter(({ metadata }) => metadata.namespace === namespace)
    .map(({ spec }) => spec as unknown as Policy)
    .filter(
      ({ podSelector, policyTypes }) => policyTypes.includes(direction) && selects(podSelector, labels),
    );
}

function allows(
  { ports }: Rule,
  peers: readonly Peer[] | undefined,
  { end, other, port }: { end: End; other: End; port: number },
): boolean {
  const portFits = ports?.some((each) => each.port === port && (each.protocol ?? 'TCP') === 'TCP') ?? true;
  const peerFits = peers?.some(({ podSelector, namespaceSelector }) => {
    const ofNamespace = { 'kubernetes.io/metadata.name': other.namespace };
    const namespaceFits = namespaceSelector
      ? selects(namespaceSelector, ofNamespace)
      : end.namespace === other.namespace;
    return namespaceFits && selects(podSelector ?? {}, other.labels);
  });
  return portFits && (peerFits ?? true);
}

function selects({ matchLabels = {}, matchExpressions = [] }: Selector, labels: Labels): boolean {
  const expressionsFit = matchExpressions.every(({ key, operator, values }) => {
    if (operator !== 'In') throw new Error(`the operator ${operator} is not supported here`);
    return values.includes(labels[key] ?? '');
  });
  return matches(matchLabels, labels) && expressionsFit;
}
