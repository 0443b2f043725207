/** The direction of imports (docs/architecture.md), checked by `make lint`. */
const service = 'services/(tracker|peer-agent|messaging)';
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'cycles of type imports count, too',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, pathNot: '\\.(spec|d)\\.ts$|main\\.ts$|worker\\.ts$' },
      to: {},
    },
    {
      name: 'core-is-pure',
      comment: 'libs/core: no I/O, no clock, no randomness; from Node only hashing and types',
      severity: 'error',
      from: { path: '^libs/core/src', pathNot: '\\.spec\\.ts$' },
      to: { pathNot: '^libs/core/src|^(node:)?crypto$|^(node:)?buffer$' },
    },
    {
      name: 'domain-is-pure',
      comment: 'domain code imports only libs/core and itself',
      severity: 'error',
      from: { path: `^${service}/src/domain`, pathNot: '\\.spec\\.ts$' },
      to: { pathNot: '^libs/core/src|^services/[^/]+/src/domain' },
    },
    {
      name: 'app-knows-ports-only',
      comment: 'app code runs the domain over ports: no gRPC, no generated types, no files, no adapters',
      severity: 'error',
      from: { path: `^${service}/src/app`, pathNot: '\\.spec\\.ts$' },
      to: {
        path: '/src/adapters/|^libs/(proto|rpc)/|grpc|^(node:)?(fs|net|worker_threads|child_process|http2?)(/|$)',
      },
    },
    ...[
      ['agent', 'upload|download|transfer|sharing|messages'],
      ['messages', 'agent|upload|download|transfer|sharing'],
      ['upload', 'download|transfer|sharing|messages'],
      ['download', 'transfer|sharing|messages'],
      ['transfer', 'sharing|messages'],
      ['sharing', 'messages'],
    ].map(([room, others]) => ({
      name: `${room}-imports-lower-rooms`,
      comment: 'agent ← upload ← download ← transfer ← sharing; messages stands alone',
      severity: 'error',
      from: { path: `^services/peer-agent/src/app/${room}/`, pathNot: '\\.spec\\.ts$' },
      to: { path: `^services/peer-agent/src/app/(${others})/` },
    })),
    {
      name: 'adapters-below-service',
      severity: 'error',
      from: { path: `^${service}/src/(domain|app|adapters)` },
      to: { path: `^${service}/src/(service|main|config)\\.ts$` },
    },
    {
      name: 'services-stand-alone',
      comment: 'a service never imports another',
      severity: 'error',
      from: { path: '^services/([^/]+)/' },
      to: { path: '^services/', pathNot: '^services/$1/' },
    },
    {
      name: 'libs-below-services',
      severity: 'error',
      from: { path: '^libs/' },
      to: { path: '^(services|cli|demo)/' },
    },
    {
      name: 'proto-below-all',
      severity: 'error',
      from: { path: '^libs/proto/' },
      to: { path: '^libs/(core|common|rpc|harness)/' },
    },
    {
      name: 'platform-below-rpc',
      comment: 'libs/rpc is built on libs/common, which therefore must not import gRPC',
      severity: 'error',
      from: { path: '^libs/(core|common)/' },
      to: { path: '^libs/rpc/|grpc-js|grpc-health-check|@grpc/reflection' },
    },
    {
      name: 'http2-in-rpc',
      comment:
        'only libs/rpc uses HTTP/2; tests and benchmarks also simulate a peer that violates the protocol',
      severity: 'error',
      from: { pathNot: '^libs/rpc/|\\.spec\\.ts$|/test/|^bench/' },
      to: { path: '^(node:)?http2$' },
    },
    {
      name: 'simulator-runs-the-domain',
      comment:
        'the simulator imports domain code of services and settings, and nothing imports the simulator',
      severity: 'error',
      from: { path: '^simulator/src' },
      to: {
        path: '^(libs|services|cli|demo|bench)/',
        pathNot: '^libs/core/src|^libs/common/src/config/|^services/[^/]+/src/domain/',
      },
    },
    {
      name: 'nobody-imports-the-simulator',
      severity: 'error',
      from: { pathNot: '^simulator/' },
      to: { path: '^simulator/' },
    },
    { name: 'nobody-imports-the-cli', severity: 'error', from: { pathNot: '^cli/' }, to: { path: '^cli/' } },
    {
      name: 'no-test-code-in-products',
      severity: 'error',
      from: { path: '^(libs|services|cli|simulator)/', pathNot: '\\.spec\\.ts$|/test/|^libs/harness/' },
      to: { path: '\\.spec\\.ts$|/test/|^libs/harness/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)dist/|libs/proto/src/gen/google' },
    tsConfig: { fileName: 'tsconfig.check.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types'] },
  },
};
