import { afterAll, beforeAll, describe } from '@jest/globals';
import { traceWith } from '@enjambre/common/tracing/tracing';
import { RecordingTracer } from '@enjambre/harness/recording-tracer';
import { traced } from '../src/app/download/traced-transfer.js';
import type { TransferComponents } from '../src/app/transfer/transfer-components.js';
import { infoHash } from './support/ids.js';
import { peerConnectorContract } from './peer/contract.js';
import { memorySite as swarmSite } from './peer/memory-site.js';
import { trackerPortContract } from './tracker/contract.js';
import { memorySite as trackerSite } from './tracker/memory-site.js';

describe('traced', () => {
  beforeAll(() => traceWith(new RecordingTracer()));
  afterAll(() => traceWith(undefined));

  /** A part of a transfer, as its downloads use it while they are traced. */
  function tracedPart<Part extends 'tracker' | 'connector'>(part: Part, it: TransferComponents[Part]) {
    return traced(infoHash('aa'), { [part]: it } as unknown as TransferComponents)[part];
  }

  describe('the tracker', () => {
    trackerPortContract(() => Promise.resolve(trackerSite((tracker) => tracedPart('tracker', tracker))));
  });

  describe('the connector', () => {
    peerConnectorContract(() =>
      Promise.resolve(swarmSite((connector) => tracedPart('connector', connector))),
    );
  });
});
