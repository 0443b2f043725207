import { fuzz } from './run-targets.js';
import { EVENT_TARGETS } from './targets/events.js';
import { SERVICE_TARGETS } from './targets/services.js';
import { STATE_TARGETS } from './targets/state.js';

fuzz('readers of requests, of NATS and of state files', [
  ...EVENT_TARGETS,
  ...SERVICE_TARGETS,
  ...STATE_TARGETS,
]);
