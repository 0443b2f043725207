import { Serial } from '@enjambre/common/async/serial';
import type { Logger } from '@enjambre/common/log/logger';
import { EnjambreError, messageOf } from '@enjambre/core/error';
import { shortId, type PeerId } from '@enjambre/core/ids';
import { idDigits } from '@enjambre/core/named';
import { shownName } from '@enjambre/core/peer-names';
import { quote } from '@enjambre/core/quote';
import type { ChatMessage, MessageTarget } from '../../domain/inbox.js';
import { hasDigits, KnownNames } from '../../domain/known-names.js';
import type { NameArchive } from '../ports/archives.js';
import type { Receipt } from '../ports/messaging.js';

interface AddressBookParts {
  readonly names: NameArchive;
  readonly self: { readonly peerId: PeerId; readonly name: string };
  readonly log: Logger;
}

/** The names of peers, as this agent has met them, stored at each change. */
export class AddressBook {
  readonly #known: KnownNames;
  readonly #serial = new Serial();

  constructor(private readonly parts: AddressBookParts) {
    this.#known = new KnownNames(parts.self);
  }

  /** @param messages those in the inbox, oldest first: an earlier version has stored no names */
  async load(messages: readonly ChatMessage[]): Promise<void> {
    for (const name of await this.parts.names.load()) this.#known.restore(name);
    this.meet(messages);
  }

  /** Resolves when all changes are stored. */
  idle(): Promise<void> {
    return this.#serial.idle();
  }

  /** Remembers the senders of messages. */
  meet(messages: readonly ChatMessage[]): void {
    const news = messages.filter(({ senderName, senderId }) => this.#known.meet(senderName, senderId));
    if (news.length > 0) this.#save();
  }

  /** The message with the names of peers as this agent shows them. */
  named(message: ChatMessage): ChatMessage {
    const { senderName, senderId, target, targetName } = message;
    return {
      ...message,
      senderName: this.#known.shown(senderName, senderId),
      // The service names a peer by its id.
      targetName: target.kind === 'peer' ? this.#known.shown(targetName, target.peer as PeerId) : targetName,
    };
  }

  /** The target with the id of the peer that a name means to this agent; else unchanged: the service decides. */
  meant(target: MessageTarget): MessageTarget {
    if (target.kind !== 'peer' || idDigits(target.peer) !== undefined) return target;
    const id = this.#known.idOf(target.peer);
    return id === undefined ? target : { kind: 'peer', peer: id };
  }

  /** Sends to the peer that is {@link meant}, and remembers it. Throws `not-found` UNKNOWN_PEER if it is gone. */
  async written(target: MessageTarget, send: (to: MessageTarget) => Promise<Receipt>): Promise<Receipt> {
    const meant = this.meant(target);
    try {
      const receipt = await send(meant);
      if (target.kind === 'peer') this.#remember(target.peer, receipt);
      return receipt;
    } catch (error) {
      const known = EnjambreError.from(error);
      if (meant === target || target.kind !== 'peer' || meant.kind !== 'peer') throw known;
      throw known.reason === 'UNKNOWN_PEER' ? vanished(target.peer, meant.peer as PeerId, known) : known;
    }
  }

  #remember(written: string, { receiver }: Receipt): void {
    if (!receiver) return;
    const { name, id } = receiver;
    const isNew = hasDigits(written) && this.#known.rebind(name, id);
    if (isNew || this.#known.meet(name, id)) this.#save();
  }

  #save(): void {
    const { names, log } = this.parts;
    this.#serial
      .run(() => names.save(this.#known.all))
      // Stored at the next change.
      .catch((error: unknown) => log.warn({ err: error }, `names cannot be stored: ${messageOf(error)}`));
  }
}

function vanished(name: string, id: PeerId, cause: EnjambreError): EnjambreError {
  const message =
    `the peer that this agent knows as ${quote(name)} (${shortId(id)}) is no longer known to the messaging service, ` +
    `and another peer of that name is someone else: to write to that one, give its name with digits of its id, ` +
    `such as ${quote(shownName('NAME', '1a2b3c4d' as PeerId))}`;
  return new EnjambreError('not-found', 'UNKNOWN_PEER', message, { cause });
}
