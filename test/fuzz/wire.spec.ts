import { fuzz } from './run-targets.js';
import { CODEC_TARGETS } from './targets/codec.js';
import { HTTP2_TARGETS } from './targets/http2.js';
import { METAINFO_TARGETS } from './targets/metainfo.js';
import { TRUST_TARGETS } from './targets/trust.js';

fuzz('readers of what peers send', [
  ...HTTP2_TARGETS,
  ...CODEC_TARGETS,
  ...METAINFO_TARGETS,
  ...TRUST_TARGETS,
]);
