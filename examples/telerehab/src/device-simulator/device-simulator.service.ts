import type { EventContext, TrackedContext } from '@terabus/core';
import { BusError, OnEvent, OnMessage, Service, TeraService } from '@terabus/core';
import { DeviceEvent, ParticipantEvent, ServerCommand, SessionEvent, UserEvent } from '@terabus/messages';
import { inject } from 'inversify';
import { z } from 'zod';
import { Database } from '../contracts/database.contract.js';
import { logLines } from '../contracts/logging.contract.js';
import type { PresenceEvent } from '../contracts/presence-event.js';
import { memberOf, says } from '../contracts/presence-event.js';
import { VideoRehab } from '../contracts/session-manager.contract.js';
import { Simulator } from '../contracts/simulator.contract.js';
import { signalling, socketCommands, socketEvents } from '../contracts/topics.js';
import { UserManager } from '../contracts/user-manager.contract.js';
import { BusLog } from '../logger/bus-log.js';
import { cast } from './cast.js';
import { Patience } from './patience.js';
import { Person } from './person.js';
import { playScenario, SCENARIO } from './scenario.js';
import { Stage } from './stage.js';

const configuration = z.object({
  /** How often the scenario is played. */
  play: z.enum(['once', 'forever']).default('once'),
  /** Between its acts, in milliseconds. */
  pauseMs: z.int().min(0).default(0),
});

/** Plays people and devices: it receives what their sockets would receive, and reacts as their programs would. */
@Service(Simulator, { uses: [UserManager, VideoRehab, Database.events, signalling, logLines] })
export class DeviceSimulatorService extends TeraService {
  readonly #people = {
    ana: new Person(cast.ana),
    ben: new Person(cast.ben),
    tablet: new Person(cast.tablet),
    bike: new Person(cast.bike),
  };
  #patience: Patience | undefined;
  #playing: Promise<void> = Promise.resolve();

  constructor(
    @inject(Stage) private readonly stage: Stage,
    @inject(BusLog) private readonly log: BusLog,
  ) {
    super();
  }

  protected override onReady() {
    const { play, pauseMs } = configuration.parse(this.config);
    this.#patience = new Patience(this.clock, this.signal);
    this.#playing = this.#play(play === 'forever', pauseMs, this.#patience);
  }

  protected override onStop() {
    return this.#playing;
  }

  async #play(again: boolean, pauseMs: number, patience: Patience): Promise<void> {
    const scene = { stage: this.stage, people: this.#people, patience, pauseMs };
    do {
      try {
        await playScenario(scene);
        await this.log.write('info', Simulator.name, SCENARIO.isOver);
      } catch (error) {
        if (this.signal.aborted) return;
        await this.log.write('error', Simulator.name, `${SCENARIO.brokeOff}: ${BusError.from(error).rawMessage}`);
      }
      await patience.pause(pauseMs).catch(() => undefined);
    } while (again && !this.signal.aborted);
  }

  // What reaches the sockets.

  @OnEvent(socketEvents.user.all, SessionEvent)
  onUserSocket(event: SessionEvent, context: EventContext) {
    return this.#receive(event, context);
  }
  @OnEvent(socketEvents.participant.all, SessionEvent)
  onParticipantSocket(event: SessionEvent, context: EventContext) {
    return this.#receive(event, context);
  }
  @OnEvent(socketEvents.device.all, SessionEvent)
  onDeviceSocket(event: SessionEvent, context: EventContext) {
    return this.#receive(event, context);
  }

  async #receive(event: SessionEvent, { topic }: EventContext): Promise<void> {
    const person = this.#whoseTopic(topic);
    person?.received.push(event);
    this.#patience?.look();
    if (event.$type === 'opentera.protobuf.JoinSessionEvent' && person?.answersTo(event.sessionUuid))
      await this.stage.answer(person, event.sessionUuid);
  }

  @OnMessage(socketCommands.all, ServerCommand)
  async onCommand(_command: ServerCommand, { topic }: TrackedContext) {
    const person = this.#whoseTopic(topic);
    if (person !== undefined) await this.stage.say(person, 'disconnected');
  }

  // Who is online, as everybody is told.

  @OnEvent(UserManager.events, UserEvent)
  onUser(event: UserEvent) {
    this.#onPresence(event);
  }
  @OnEvent(UserManager.events, ParticipantEvent)
  onParticipant(event: ParticipantEvent) {
    this.#onPresence(event);
  }
  @OnEvent(UserManager.events, DeviceEvent)
  onDevice(event: DeviceEvent) {
    this.#onPresence(event);
  }

  #onPresence(event: PresenceEvent): void {
    const { uuid } = memberOf(event);
    const person = this.#everybody.find((each) => each.uuid === uuid);
    if (person === undefined) return;
    if (says(event, 'connected')) person.online = true;
    if (says(event, 'disconnected')) person.online = false;
    this.#patience?.look();
  }

  get #everybody(): Person[] {
    return Object.values(this.#people);
  }

  /** Topics of a socket hold the UUID of whose it is. */
  #whoseTopic(topic: string): Person | undefined {
    return this.#everybody.find(({ uuid }) => topic.split('.').includes(uuid));
  }
}
