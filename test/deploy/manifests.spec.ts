import { describe, expect, test } from '@jest/globals';
import type { IContainer } from 'kubernetes-models/v1/Container';
import {
  containersOf,
  EXAMPLES,
  initContainersOf,
  matches,
  named,
  ofKind,
  OVERLAYS,
  read,
  render,
  workload,
  workloadsOf,
  type Labels,
  type Manifest,
  type Workload,
} from './manifests.js';
import { isClosed, letsThrough } from './network.js';
import { defaultPortOf, SERVICES, settingsOfContainer } from './settings.js';

/** A service ends its calls after 3 s and then saves; less time than this could interrupt that on a busy node. */
const SHORTEST_GRACE_SECONDS = 20;
/** Ports of metrics, in the order of the services. */
const METRICS_PORTS: Readonly<Record<string, number>> = { tracker: 9070, messaging: 9071, agent: 9072 };

/** In plaintext, for probes: those of Kubernetes speak no TLS. */
const HEALTH_PORT = 7079;

const rendered: Readonly<Record<string, Manifest[]>> = Object.fromEntries(
  OVERLAYS.map((overlay) => [overlay, render(overlay)]),
);
const examples = EXAMPLES.flatMap(read);

/** The ports of a container by name and by number: a probe may use either. */
function portsOf({ ports = [] }: IContainer): Map<string | number, number> {
  const found = new Map<string | number, number>();
  for (const { name = '', containerPort } of ports)
    found.set(name, containerPort).set(containerPort, containerPort);
  return found;
}

describe.each(Object.entries(rendered))('in the overlay %s', (overlay, manifests) => {
  const all = [...manifests, ...examples];
  const workloads = workloadsOf(manifests);
  const everyContainer = workloadsOf(all).flatMap((each) =>
    [...initContainersOf(each), ...containersOf(each)].map((container) => ({ each, container })),
  );

  test('NATS, tracker, messaging and an agent on each node are in separate namespaces', () => {
    expect(workloads.map(({ kind, name, namespace }) => `${namespace} ${kind}/${name}`).sort()).toEqual([
      'enjambre Deployment/messaging',
      'enjambre Deployment/tracker',
      'enjambre StatefulSet/nats',
      'enjambre-agents DaemonSet/agent',
    ]);
  });

  test('every container has resource requests and limits', () => {
    for (const { container } of everyContainer) {
      const amounts = { cpu: expect.any(String) as unknown, memory: expect.any(String) as unknown };
      expect(container).toMatchObject({ resources: { requests: amounts, limits: amounts } });
    }
  });

  test('every service has startup, readiness and liveness probes, on one of its ports', () => {
    for (const container of workloads.flatMap(containersOf)) {
      const { startupProbe, readinessProbe, livenessProbe } = container;
      for (const probe of [startupProbe, readinessProbe, livenessProbe]) {
        expect(portsOf(container).has(probe?.grpc?.port ?? probe?.httpGet?.port ?? '')).toBe(true);
      }
    }
  });

  test('our services are probed by gRPC; only readiness depends on other services', () => {
    for (const probes of SERVICES.flatMap((each) => containersOf(workload(manifests, each)))) {
      const grpc = { port: HEALTH_PORT };
      expect(probes.readinessProbe?.grpc).toEqual(grpc);
      expect(probes.startupProbe?.grpc).toEqual({ ...grpc, service: 'enjambre.live' });
      expect(probes.livenessProbe?.grpc).toEqual({ ...grpc, service: 'enjambre.live' });
    }
  });

  test('every container runs as an unprivileged user, on a read-only root, without capabilities', () => {
    for (const { each, container } of everyContainer) {
      // The only exception: the step that sets the owner of an agent's folder on the node.
      const isRoot = container.name === 'own-cache';
      const { seccompProfile, ...ofPod } = each.template.spec?.securityContext ?? {};
      expect(seccompProfile).toEqual({ type: 'RuntimeDefault' });
      expect({ ...ofPod, ...container.securityContext }).toMatchObject({
        runAsNonRoot: !isRoot,
        runAsUser: isRoot ? 0 : 65532,
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
      });
      expect(container.securityContext?.capabilities).toEqual({
        drop: ['ALL'],
        ...(isRoot && { add: ['CHOWN'] }),
      });
    }
  });

  test('only restricted pods are admitted with the services, and only agents have a folder of the node', () => {
    const levels = ofKind(manifests, 'Namespace').map(({ metadata: { name = '', labels = {} } }) => [
      name,
      labels['pod-security.kubernetes.io/enforce'],
    ]);
    expect(Object.fromEntries(levels)).toEqual({ enjambre: 'restricted', 'enjambre-agents': 'privileged' });
    for (const { name, template } of workloadsOf(all)) {
      const paths = (template.spec?.volumes ?? []).flatMap(({ hostPath }) =>
        hostPath ? [hostPath.path] : [],
      );
      expect(paths).toEqual(name === 'agent' ? ['/var/lib/enjambre'] : []);
      expect(template.spec).not.toMatchObject({ hostNetwork: true });
    }
  });

  test('no pod gets a token of the API server', () => {
    for (const { name, namespace, template, selector } of workloadsOf(all)) {
      expect(template.spec?.automountServiceAccountToken).toBe(false);
      if (!selector) continue;
      const account = ofKind(manifests, 'ServiceAccount').find(
        ({ metadata }) =>
          metadata.name === template.spec?.serviceAccountName && metadata.namespace === namespace,
      );
      expect({ name, account }).toMatchObject({ account: { automountServiceAccountToken: false } });
    }
  });

  test('every selector of pods matches some', () => {
    const pods = workloadsOf(all);
    const selects = (wanted: Labels | undefined, namespace: string | undefined): Workload[] =>
      pods.filter((pod) => pod.namespace === namespace && matches(wanted ?? {}, pod.labels));
    for (const { selector, namespace, name } of workloads) {
      expect(selects(selector, namespace).map((pod) => pod.name)).toEqual([name]);
    }
    for (const manifest of manifests.filter(({ kind }) =>
      ['Service', 'PodDisruptionBudget', 'NetworkPolicy'].includes(kind),
    )) {
      const spec = manifest.spec as {
        selector?: Labels & { matchLabels?: Labels };
        podSelector?: { matchLabels?: Labels };
      };
      const wanted = spec.podSelector
        ? spec.podSelector.matchLabels
        : (spec.selector?.matchLabels ?? spec.selector);
      // The pods that control agents belong to a Job.
      expect([named(manifest), selects(wanted as Labels, manifest.metadata.namespace)]).not.toEqual([
        named(manifest),
        [],
      ]);
    }
  });

  test('a Service targets ports that its pods have', () => {
    for (const { metadata, spec } of ofKind(manifests, 'Service')) {
      const { selector, ports } = spec as { selector: Labels; ports: { port: number; targetPort: string }[] };
      const [pod] = workloads.filter(
        (each) => each.namespace === metadata.namespace && matches(selector, each.labels),
      );
      const open = pod && containersOf(pod).map(portsOf)[0];
      for (const { port, targetPort } of ports)
        expect([targetPort, open?.get(targetPort)]).toEqual([targetPort, port]);
    }
  });

  test('the services accept their flags and variables, and listen on their ports', () => {
    for (const name of SERVICES) {
      const [container] = containersOf(workload(manifests, name));
      expect(container?.args?.[0]).toBe(name);
      const { listen } = settingsOfContainer(container!);
      expect(listen).toEqual({ kind: 'tcp', host: '', port: defaultPortOf(name) });
      expect(portsOf(container!).get('grpc')).toBe(defaultPortOf(name));
    }
  });

  test('every program has a certificate from a Secret, and none allows plaintext', () => {
    const used = SERVICES.map((name) => {
      const { template } = workload(manifests, name);
      const [container] = containersOf(workload(manifests, name));
      const { ca, tls, joinFile, insecure, tlsMode, healthListen } = settingsOfContainer(container!);
      expect([name, insecure, tlsMode]).toEqual([name, false, 'require']);
      expect(healthListen).toMatchObject({ port: HEALTH_PORT });
      const named = String(ca ?? tls ?? joinFile);
      const mount = container?.volumeMounts?.find(({ mountPath }) => named.startsWith(mountPath));
      // The tracker has a copy of its Secret that it can write to.
      const copied = initContainersOf(workload(manifests, name))
        .filter(({ command = [] }) => command.includes(`--target-directory=${named}`))
        .flatMap(({ volumeMounts = [] }) => volumeMounts.map((each) => each.name));
      const volumes = (template.spec?.volumes ?? []).filter(({ name: its }) =>
        [mount?.name, ...copied].includes(its),
      );
      return volumes.flatMap(({ secret }) => secret?.secretName ?? []);
    });
    expect(used).toEqual([['enjambre-ca'], ['messaging-tls'], ['agent-join']]);
  });

  test('addresses in flags are those of Services', () => {
    const services = new Map(
      ofKind(manifests, 'Service').map(({ metadata: { name, namespace }, spec }) => [
        `${name ?? ''}.${namespace ?? ''}.svc`,
        (spec as { ports: { port: number }[] }).ports.map(({ port }) => port),
      ]),
    );
    const { tracker, messaging } = settingsOfContainer(containersOf(workload(manifests, 'agent'))[0]!);
    for (const { host, port } of [tracker, messaging].flat() as { host: string; port: number }[])
      expect(services.get(host)).toContain(port);
    for (const name of ['tracker', 'messaging']) {
      const { nats } = settingsOfContainer(containersOf(workload(manifests, name))[0]!);
      const { hostname, port } = new URL(String(nats));
      expect(services.get(`${hostname}.enjambre.svc`)).toContain(Number(port));
    }
  });

  test('an agent gets its node, zone and region, and stores everything in the folder of the node', () => {
    const [container] = containersOf(workload(manifests, 'agent'));
    const sources = Object.fromEntries(
      (container?.env ?? []).map(({ name, valueFrom }) => [name, valueFrom?.fieldRef?.fieldPath]),
    );
    expect(sources).toMatchObject({
      NODE_NAME: 'spec.nodeName',
      ZONE: "metadata.labels['topology.kubernetes.io/zone']",
      REGION: "metadata.labels['topology.kubernetes.io/region']",
    });
    const settings = settingsOfContainer(container!);
    expect(settings.label).toEqual({ node: 'some-node_name', zone: 'some-zone', region: 'some-region' });
    expect(container?.volumeMounts).toContainEqual({ name: 'cache', mountPath: '/var/lib/enjambre' });
    for (const folder of [settings.dataDir, settings.downloadDir])
      expect(folder).toMatch(/^\/var\/lib\/enjambre\/./);
  });

  test('network policies allow the required connections, and no others', () => {
    for (const { metadata } of ofKind(manifests, 'Namespace'))
      expect(isClosed(manifests, metadata.name ?? '')).toBe(true);
    const [nats, tracker, messaging, agent] = ['nats', 'tracker', 'messaging', 'agent'].map((name) =>
      workload(manifests, name),
    );
    const [job] = workloadsOf(examples);
    const stranger = { namespace: 'default', labels: {} };
    const monitoring = { namespace: 'monitoring', labels: {} };
    const opens = (from: Workload | typeof stranger, to: Workload, port: number) =>
      letsThrough(manifests, from, to, port);
    expect([
      opens(agent!, tracker!, 7070),
      opens(agent!, messaging!, 7071),
      opens(agent!, agent!, 7072),
    ]).toEqual([true, true, true]);
    expect([opens(tracker!, nats!, 4222), opens(messaging!, nats!, 4222)]).toEqual([true, true]);
    expect([opens(agent!, nats!, 4222), opens(tracker!, agent!, 7072), opens(nats!, tracker!, 7070)]).toEqual(
      [false, false, false],
    );
    for (const [to, port] of [
      [nats, 4222],
      [tracker, 7070],
      [messaging, 7071],
      [agent, 7072],
      [agent, 7073],
    ] as const)
      expect(opens(stranger, to!, port)).toBe(false);
    expect(opens(nats!, nats!, 6222)).toBe(overlay === 'prod');
    expect([opens(job!, agent!, 7073), opens(agent!, agent!, 7073)]).toEqual([overlay === 'dev', false]);
    for (const [name, port] of Object.entries(METRICS_PORTS))
      expect(opens(monitoring, workload(manifests, name), port)).toBe(overlay === 'prod');
  });

  test('pods have time to stop, and draining a node does not evict all pods of a kind', () => {
    for (const { name, namespace, kind, template } of workloads) {
      expect(template.spec?.terminationGracePeriodSeconds).toBeGreaterThanOrEqual(SHORTEST_GRACE_SECONDS);
      if (kind === 'DaemonSet') continue;
      const budget = ofKind(manifests, 'PodDisruptionBudget').find(
        ({ metadata }) => metadata.name === name && metadata.namespace === namespace,
      );
      expect(budget?.spec).toMatchObject({ maxUnavailable: 1 });
    }
  });
});

describe('the overlay for production', () => {
  const manifests = rendered.prod!;

  test('has three trackers and three NATS servers, on different nodes, that form clusters', () => {
    expect(['tracker', 'nats', 'messaging'].map((name) => workload(manifests, name).replicas)).toEqual([
      3, 3, 1,
    ]);
    expect(JSON.stringify(workload(manifests, 'nats').template.spec?.affinity)).toContain(
      'kubernetes.io/hostname',
    );
    const spread = workload(manifests, 'tracker').template.spec?.topologySpreadConstraints;
    expect(spread).toContainEqual(
      expect.objectContaining({ topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'DoNotSchedule' }),
    );
    const [config] = ofKind(manifests, 'ConfigMap') as unknown as { data: Record<string, string> }[];
    const routes = [...(config?.data['nats.conf'] ?? '').matchAll(/nats:\/\/([\w.-]+):(\d+)/g)].map(
      ([, host, port]) => [host, port],
    );
    const peers = ofKind(manifests, 'StatefulSet')[0]?.spec?.serviceName as string;
    expect(routes).toEqual([0, 1, 2].map((index) => [`nats-${String(index)}.${peers}`, '6222']));
  });

  test('has metrics of every service, found by annotation', () => {
    for (const [name, port] of Object.entries(METRICS_PORTS)) {
      const { template } = workload(manifests, name);
      expect(template.metadata?.annotations).toMatchObject({
        'prometheus.io/scrape': 'true',
        'prometheus.io/port': String(port),
      });
      const [container] = template.spec?.containers ?? [];
      expect(portsOf(container!).get('metrics')).toBe(port);
      expect(container?.env).toContainEqual({
        name: `ENJAMBRE_${name.toUpperCase()}_METRICS`,
        value: `:${String(port)}`,
      });
    }
  });
});

test('the overlay for development has two trackers', () => {
  expect(workload(rendered.dev!, 'tracker').replicas).toBe(2);
});
