import tseslint from 'typescript-eslint';

/** Files that open sockets other than gRPC: to NATS, to lock a data folder, to measure other programs and the machine. */
const NO_RPC = [
  'libs/common/src/nats/quickest-first.ts',
  'services/peer-agent/src/adapters/state/folder-lock.ts',
  'bench/src/parts.ts',
  'bench/src/teams/nginx.ts',
];

/** Only a Dialer opens connections, and only a GrpcServer serves them. */
const BY_DIALER = [
  { selector: 'NewExpression[callee.name=/(Service|Health)Client$/]', message: 'use dialer.client()' },
  { selector: "CallExpression[callee.property.name='createInsecure']", message: 'use PLAINTEXT' },
];

export default tseslint.config(
  {
    ignores: [
      '**/dist/**',
      'libs/proto/src/gen/**',
      '**/node_modules/**',
      '**/*.js',
      '**/*.cjs',
      '**/*.mjs',
      '.stryker-tmp/**',
    ],
  },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: { project: './tsconfig.check.json', tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': [
        'error',
        { considerDefaultExhaustiveForUnions: true },
      ],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': [
        'error',
        { ignoreArrowShorthand: true, ignoreVoidReturningFunctions: true },
      ],
      'max-lines': ['error', { max: 320, skipBlankLines: true, skipComments: true }],
      'max-lines-per-function': ['error', { max: 60, skipBlankLines: true, skipComments: true }],
      'max-params': ['error', { max: 4 }],
      complexity: ['error', 15],
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  {
    files: ['**/*.spec.ts', '**/test/**'],
    rules: {
      'max-lines-per-function': 'off',
      'max-lines': ['error', { max: 600, skipBlankLines: true, skipComments: true }],
      '@typescript-eslint/no-non-null-assertion': 'off',
    },
  },
  {
    // By default, nats.js gives up after ten attempts to reconnect.
    ignores: ['libs/common/src/nats/nats-link.ts', 'libs/harness/src/nats-client.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          name: 'nats',
          importNames: ['connect'],
          message: 'use NatsLink, or connectToNats in tests: they never stop reconnecting',
        },
      ],
    },
  },
  {
    // Only a Dialer opens connections and only a GrpcServer serves them, with credentials from the composition root.
    ignores: ['libs/rpc/**'],
    rules: {
      'no-restricted-syntax': ['error', ...BY_DIALER],
    },
  },
  {
    ignores: ['libs/rpc/**', '**/*.spec.ts', '**/test/**', 'test/**', ...NO_RPC],
    rules: {
      '@typescript-eslint/no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: '@grpc/grpc-js',
              importNames: ['Server', 'ServerCredentials', 'Client', 'credentials', 'ChannelCredentials'],
              message: 'use a Dialer or a GrpcServer of libs/rpc',
              allowTypeImports: true,
            },
            ...['node:net', 'node:tls', 'node:http2'].map((name) => ({
              name,
              importNames: ['connect', 'createConnection'],
              message: 'use a Dialer of libs/rpc',
              allowTypeImports: true,
            })),
          ],
        },
      ],
    },
  },
  {
    // Services name the setting or remedy; the command translates it into its flags and commands.
    files: ['services/*/src/{domain,app,adapters}/**'],
    ignores: ['**/*.spec.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        ...BY_DIALER,
        ...['Literal[value=', 'TemplateElement[value.raw='].map((text) => ({
          selector: `${text}/(^|[\\s(])--[a-z]|\\x60enjambre [a-z]/]`,
          message: 'name the setting or a remedy in the metadata of the error, or use flagName',
        })),
      ],
    },
  },
  {
    // App code takes the time from a Clock, so that a test can run it on virtual time.
    files: ['services/*/src/app/**'],
    ignores: ['**/*.spec.ts'],
    rules: {
      'no-restricted-globals': ['error', 'setTimeout', 'setInterval', 'setImmediate', 'performance'],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'use the Clock' },
        { object: 'AbortSignal', property: 'timeout', message: 'use the Clock' },
      ],
      '@typescript-eslint/no-restricted-imports': [
        'error',
        { paths: [{ name: '@enjambre/common/async/sleep', message: 'use the Clock' }] },
      ],
    },
  },
  {
    files: ['**/domain/**'],
    rules: {
      'no-restricted-globals': ['error', 'setTimeout', 'setInterval', 'setImmediate', 'process', 'fetch'],
      'no-restricted-properties': [
        'error',
        { object: 'Date', property: 'now', message: 'domain code receives the time as input' },
        { object: 'Math', property: 'random', message: 'domain code receives a seeded random source' },
        { object: 'performance', property: 'now', message: 'domain code receives the time as input' },
      ],
    },
  },
);
