/**
 * Mutation testing for `make mutation`: one part per run, named by MUTATION_PART, so that the code of a part must be
 * tested by its own specs, and not by chance by those of another part.
 */
import jestConfig from './jest.config.js';

const ENGINE = 'services/peer-agent/src/domain/download';
const UPLOAD = 'services/peer-agent/src/domain/upload';

/**
 * The mutated sources, the specs that must fail, the folders that these import from (related specs are found by
 * their imports), and the minimum score in per cent.
 */
const PARTS = {
  core: { sources: 'libs/core/src', specs: 'libs/core', roots: ['libs/core'], atLeast: 90 },
  engine: { sources: ENGINE, specs: ENGINE, roots: ['libs/core', 'services/peer-agent'], atLeast: 85 },
  upload: { sources: UPLOAD, specs: UPLOAD, roots: ['libs/core', 'services/peer-agent'], atLeast: 90 },
};

const tool = (file) => `${import.meta.dirname}/tools/mutation/${file}`;

const name = process.env.MUTATION_PART ?? 'core';
const part = PARTS[name];
if (!part) throw new Error(`MUTATION_PART must be one of ${Object.keys(PARTS).join(', ')}, not "${name}"`);

export default {
  mutate: [`${part.sources}/**/*.ts`, '!**/*.spec.ts'],
  testRunner: 'jest',
  testRunnerNodeArgs: ['--experimental-vm-modules'],
  jest: {
    projectType: 'custom',
    config: {
      ...jestConfig,
      roots: part.roots.map((root) => `<rootDir>/${root}`),
      testMatch: [`<rootDir>/${part.specs}/**/*.spec.ts`],
      runner: tool('runner.cjs'),
      testEnvironment: tool('environment.cjs'),
      setupFiles: [tool('fast-check.setup.mjs')],
    },
  },
  coverageAnalysis: 'perTest',
  plugins: ['@stryker-mutator/jest-runner', tool('ignore-texts.mjs')],
  ignorers: ['error-texts'],
  // Endless loops are detected by counting, so the timeout can be long enough for a busy machine.
  timeoutMS: 20_000,
  // Node never frees the modules loaded for a mutant: restarting the process from time to time bounds the memory.
  maxTestRunnerReuse: 60,
  // The sandbox needs only the sources; swc strips the types without checking them.
  ignorePatterns: [
    '/bench',
    '/cli',
    '/demo',
    '/docs',
    '/reports',
    '/services/tracker',
    '/services/messaging',
    '/simulator',
    '/test',
    'dist',
  ],
  disableTypeChecks: false,
  concurrency: Number(process.env.MUTATION_WORKERS ?? 2),
  reporters: ['clear-text', 'progress', 'html', 'json'],
  clearTextReporter: { logTests: false, reportTests: false, allowColor: false, skipFull: true },
  htmlReporter: { fileName: `reports/mutation/${name}.html` },
  jsonReporter: { fileName: `reports/mutation/${name}.json` },
  tempDirName: '.stryker-tmp',
  thresholds: { high: 95, low: 85, break: part.atLeast },
};
