import type { Attack } from './attack.js';
import { beforeHello } from './attacks/before-hello.js';
import { dials, events, fillers, swarms } from './attacks/catalogue.js';
import { connections, pingFlood, rapidReset, settingsFlood, slowHellos } from './attacks/connections.js';
import { controlTokens } from './attacks/control.js';
import { slots, zeroWindow } from './attacks/downloads.js';
import { broadcast, largeMessages, mailbox, messagingKeys, twins, watchTexts } from './attacks/messages.js';
import {
  drippingSeeders,
  fakeSeeders,
  hiddenNames,
  hostileFrames,
  metainfoPieces,
  poisoner,
  wrongMetainfo,
} from './attacks/seeders.js';
import { metainfoConnections, metainfoStreams, swarmAnswers } from './attacks/streams.js';

/** All attacks by name. */
export const attacks: Readonly<Record<string, Attack>> = {
  'metainfo-streams': metainfoStreams,
  'metainfo-connections': metainfoConnections,
  'swarm-answers': swarmAnswers,
  'before-hello': beforeHello,
  slots,
  'zero-window': zeroWindow,
  connections,
  'rapid-reset': rapidReset,
  'ping-flood': pingFlood,
  'settings-flood': settingsFlood,
  'slow-hellos': slowHellos,
  'fake-seeders': fakeSeeders,
  'dripping-seeders': drippingSeeders,
  'metainfo-wrong': wrongMetainfo,
  'metainfo-pieces': metainfoPieces,
  'names-hidden': hiddenNames,
  'hostile-frames': hostileFrames,
  poisoner,
  events,
  swarms,
  'names-fillers': fillers,
  dials,
  'messaging-keys': messagingKeys,
  mailbox,
  undelivered: largeMessages,
  broadcast,
  'names-twin': twins,
  'watch-text': watchTexts,
  control: controlTokens,
  // The harm is done by something else than a peer.
  idle: () => Promise.resolve(),
};
