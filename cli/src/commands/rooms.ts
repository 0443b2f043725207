import type { Room } from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';
import type { Session } from '../context.js';
import { withMessages } from '../message-client.js';
import type { JsonObject } from '../render/json-line.js';
import { peerOf } from '../render/json.js';
import { printList, type Listing } from '../render/listing.js';
import { count, plain } from '../render/text.js';

/** `enjambre rooms`: all rooms and their members. */
export async function rooms(session: Session): Promise<void> {
  const found = await withMessages(session, (messages) => messages.rooms());
  const { output } = session;
  printList(output, found, ROOM_LIST);
  if (found.length === 0) output.hint('there are no rooms yet: `enjambre rooms join NAME` creates one');
}

const ROOM_LIST: Listing<Room> = {
  columns: [
    { title: 'room', text: ({ name }) => plain(name) },
    {
      title: 'members',
      text: ({ memberNames }) => plain(memberNames.join(', ')),
      value: ({ memberNames }) => memberNames.length,
      overflow: 'wrap',
    },
  ],
  json: (room) => roomJson('room', room),
  id: ({ name }) => plain(name),
};

/** `enjambre rooms join`. */
export async function joinRoom(session: Session, name: string): Promise<void> {
  const room = await withMessages(session, (messages) => messages.join(name));
  if (room) session.output.object(roomJson('joined', room));
  const members = count(room?.memberNames.length ?? 1, 'member');
  session.output.line(`joined ${plain(name)}, ${members}`);
}

/** `enjambre rooms leave`. */
export async function leaveRoom(session: Session, name: string): Promise<void> {
  await withMessages(session, (messages) => messages.leave(name));
  session.output.object({ type: 'left', name });
  session.output.line(`left ${plain(name)}`);
}

/** An older agent reports only names. */
function roomJson(type: string, { name, members, memberNames }: Room): JsonObject {
  const known = members.length > 0 ? members : memberNames.map((its) => ({ id: '', name: its }));
  return { type, name, members: known.map((member) => peerOf(member.id, member.name)) };
}
