import { Bus, BusError, Clock } from '@terabus/core';
import {
  DatabaseEvent,
  DatabaseEvent_EventType,
  LogEvent,
  LoginEvent,
  LoginEvent_LoginStatus,
  LoginEvent_LoginType,
} from '@terabus/messages';
import { inject, injectable } from 'inversify';
import { Database } from '../contracts/database.contract.js';
import type { LogLevel } from '../contracts/logging.contract.js';
import { logLevels, logLines } from '../contracts/logging.contract.js';
import { presenceEvent } from '../contracts/presence-event.js';
import type { SessionInfo, SessionRequest } from '../contracts/session-manager.contract.js';
import { VideoRehab } from '../contracts/session-manager.contract.js';
import { Simulator } from '../contracts/simulator.contract.js';
import { signalling } from '../contracts/topics.js';
import { UserManager } from '../contracts/user-manager.contract.js';
import type { Person } from './person.js';

/** What the simulated people, devices and programs do to the bus. */
@injectable()
export class Stage {
  /** The ids of sessions by UUID, which clients get from OpenTera's REST interface. */
  readonly #ids = new Map<string, number>();

  constructor(
    @inject(Bus) private readonly bus: Bus,
    @inject(Clock) private readonly clock: Clock,
  ) {}

  /** The socket of a person opens, or closes. */
  async say(person: Person, what: 'connected' | 'disconnected'): Promise<void> {
    await this.bus.send(UserManager.messages, presenceEvent(person, what, person));
  }

  /** A device says how full its battery is. */
  async reportBattery({ uuid, name }: Person, battery: number): Promise<void> {
    const status = JSON.stringify({ battery });
    const kept = await this.bus.client(UserManager).update_device_status(uuid, status, this.#now());
    if (kept === null) throw new BusError(`${name} is not online`, { code: 'FAILED_PRECONDITION' });
  }

  /** A client asks for something to be done to a session. The answer must be good. */
  async manage(request: SessionRequest): Promise<SessionInfo> {
    const answer = await this.bus.client(VideoRehab).session_manage({ session_manage: request });
    if (answer?.session === undefined)
      throw new BusError(`${request.action}: ${answer?.error_text ?? 'no such session'}`, { code: 'UNKNOWN' });
    this.#ids.set(answer.session.session_uuid, answer.session.id_session);
    return answer.session;
  }

  /** Somebody answers an invitation. */
  async answer(person: Person, session: string): Promise<void> {
    await this.manage({
      action: 'invite_reply',
      id_session: this.#ids.get(session) ?? 0,
      parameters: { reply_code: person.answer, [`${person.kind}_uuid`]: person.uuid },
    });
  }

  /** The signalling process of a session has started. */
  async ready(key: string): Promise<void> {
    await this.bus.publish(signalling({ key }), 'Ready!');
  }

  /** An administrator disables an account: the database says so. */
  async disable({ kind, uuid }: Person): Promise<void> {
    await this.bus.publish(
      Database.events({ table: kind }),
      DatabaseEvent.create({
        type: DatabaseEvent_EventType.DB_UPDATE,
        objectType: kind,
        objectValue: JSON.stringify({ [`${kind}_uuid`]: uuid, [`${kind}_enabled`]: false }),
      }),
    );
  }

  /** The login module notes who logged in, or tried to. */
  async login(person: Person, succeeds: boolean): Promise<void> {
    const level: LogLevel = succeeds ? 'info' : 'error';
    const { LOGIN_STATUS_SUCCESS, LOGIN_STATUS_FAILED_WITH_WRONG_PASSWORD } = LoginEvent_LoginStatus;
    await this.bus.publish(
      logLines({ level }),
      LoginEvent.create({
        logHeader: LogEvent.create({ level: logLevels[level], timestamp: this.#now(), sender: Simulator.name }),
        loginType: LoginEvent_LoginType.LOGIN_TYPE_PASSWORD,
        loginStatus: succeeds ? LOGIN_STATUS_SUCCESS : LOGIN_STATUS_FAILED_WITH_WRONG_PASSWORD,
        clientName: 'OpenTeraPlus',
        clientIp: '192.0.2.7',
        [`${person.kind}Uuid`]: person.uuid,
      }),
    );
  }

  #now(): number {
    return Math.floor(this.clock.now() / 1_000);
  }
}
