/**
 * Jest's runner for mutation testing: one failed spec kills a mutant, so the others are not run. The spec
 * beside the mutated file comes first, then the quick ones. (Jest's own
 * `bail` does not work when jest is called as a library.) All modules required here come with jest.
 */
const { basename } = require('node:path');
const { default: TestRunner } = require('jest-runner');

module.exports = class FirstFailureRunner extends TestRunner {
  async runTests(tests, watcher, options) {
    let failed = false;
    this.on('test-file-success', ([, result]) => void (failed ||= result.numFailingTests > 0));
    this.on('test-file-failure', () => void (failed = true));
    const changed = (this._globalConfig.nonFlagArgs ?? []).map((file) => basename(file, '.ts'));
    const rank = ({ path, duration = 0 }) => (changed.includes(basename(path, '.spec.ts')) ? -1 : duration);
    for (const test of [...tests].sort((a, b) => rank(a) - rank(b))) {
      if (failed) return;
      await super.runTests([test], watcher, { ...options, serial: true });
    }
  }
};
