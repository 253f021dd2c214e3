import type { Durability, OpenBus, PublishOptions, Receipt, Topic } from '@terabus/core';
import { BusError, HEADER, openBus } from '@terabus/core';
import type { Clock, Transport } from '@terabus/core/transport';
import type { Message } from '@terabus/messages';
import { encodeModuleMessage, packAny } from '@terabus/messages';

/** What receivers take for an epoch. For a test of anything else there are `headers`. */
const ULID = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;

/** What the test itself is called on the bus. */
const SOURCE = 'service.Harness';

/**
 * Options of `harness.send`. With any of the first three the message is that of another sender, made by hand: those of
 * `publish` but headers mean nothing then, and nobody is told where it is stored.
 */
export interface SendOptions extends PublishOptions {
  /** Who claims to send it: `websocket.device.x`, `module.<name>`. Defaults to `service.Harness`. */
  readonly source?: string;
  /** Its number. Defaults to 0, as of senders that don't count: OpenTera's own never do. */
  readonly seq?: number;
  /** The header `Terabus-Epoch`, a ULID. Defaults to none: the sender is no Terabus. */
  readonly epoch?: string;
  /** More headers, of any name where another sender is faked. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** The part of a harness that speaks: a sender of its own, which no `uses` binds. */
export class Sender {
  readonly bus: OpenBus;
  readonly #transport: Transport;
  readonly #clock: Clock;

  constructor(transport: Transport, clock: Clock) {
    this.bus = openBus({ transport, source: SOURCE, clock });
    this.#transport = transport;
    this.#clock = clock;
  }

  async send<P, D extends Durability>(
    mailbox: Topic<'module-message', P, string, D>,
    message: NoInfer<P>,
    options: SendOptions = {},
  ): Promise<Receipt<D> | undefined> {
    const { source, seq, epoch, ...ofPublish } = options;
    const { headers = {} } = ofPublish;
    if (source === undefined && seq === undefined && epoch === undefined) {
      return this.bus.send<unknown, D>(mailbox, message, ofPublish);
    }
    if (epoch !== undefined && !ULID.test(epoch)) {
      throw new BusError(`an epoch is a ULID, 26 characters like 01JGFJJZ00000000000000000A, not '${epoch}'`, {
        reason: 'TERABUS_OPTIONS_INVALID',
      });
    }
    const { $type } = message as Message;
    const type = mailbox.definition.types.get($type);
    if (type === undefined) {
      throw new BusError(`'${mailbox.name}' doesn't carry ${$type}`, { reason: 'TERABUS_TYPE_NOT_CARRIED' });
    }
    const bytes = encodeModuleMessage({
      source: source ?? SOURCE,
      dest: mailbox.name,
      seq: seq ?? 0,
      time: this.#clock.now() / 1_000,
      data: [packAny(type, message as Message)],
    });
    await this.publishBytes(mailbox, bytes, { ...headers, ...(epoch === undefined ? {} : { [HEADER.epoch]: epoch }) });
    return undefined;
  }

  async publishBytes(
    topic: Topic | string,
    bytes: Uint8Array,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const name = typeof topic === 'string' ? topic : topic.name;
    await this.#transport.publish({ topic: name, bytes, headers: new Map(Object.entries(headers)) });
  }
}
