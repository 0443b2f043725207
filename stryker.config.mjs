/**
 * Mutation testing, for `make mutation`: one part a run, named by MUTATION_PART, so that the code of a part has to be
 * held by the specs beside it and not by chance by those of another.
 */
import jestConfig from './jest.config.js';

const ENGINE = 'services/peer-agent/src/domain/download';
const UPLOAD = 'services/peer-agent/src/domain/upload';

/**
 * What is changed, which specs have to notice, the folders that these import from (specs related to a file are found by
 * their imports), and the share of changes noticed, in per cent, below which a run fails.
 */
const PARTS = {
  core: { sources: 'libs/core/src', specs: 'libs/core', roots: ['libs/core'], atLeast: 90 },
  engine: { sources: ENGINE, specs: ENGINE, roots: ['libs/core', 'services/peer-agent'], atLeast: 85 },
  upload: { sources: UPLOAD, specs: UPLOAD, roots: ['libs/core', 'services/peer-agent'], atLeast: 90 },
};

const tool = (file) => `${import.meta.dirname}/tools/mutation/${file}`;

const name = process.env.MUTATION_PART ?? 'core';
const part = PARTS[name];
if (!part) throw new Error(`MUTATION_PART is one of ${Object.keys(PARTS).join(', ')}, not "${name}"`);

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
  // Endless loops are noticed by counting. A machine that has other work to do must not pass for one.
  timeoutMS: 20_000,
  // Modules loaded for one mutant are never freed by node: a fresh process now and then keeps memory small.
  maxTestRunnerReuse: 60,
  // The sandbox needs the sources alone; swc strips the types unread.
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
