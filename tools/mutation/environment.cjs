/**
 * Jest's node environment for mutation testing. After the first failed test of a file, the others are skipped. The clock
 * that specs measure with stands still: instrumented code is slow, and slowness must not count as a killed mutant.
 */
const { TestEnvironment } = require('jest-environment-node');

module.exports = class MutationEnvironment extends TestEnvironment {
  #failed = false;

  constructor(config, context) {
    super(config, context);
    Object.defineProperty(this.global, 'performance', { value: { now: () => 0 } });
  }

  handleTestEvent(event) {
    if (event.name === 'test_done' && event.test.errors.length > 0) this.#failed = true;
    if (event.name === 'test_start' && this.#failed) event.test.mode = 'skip';
  }
};
