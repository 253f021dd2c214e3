import { randomUUID } from 'node:crypto';
import type { Message } from '@terabus/messages';
import {
  DatabaseEvent,
  DatabaseEvent_EventType,
  DeviceEvent,
  DeviceEvent_EventType,
  JoinSessionEvent,
  JoinSessionReplyEvent,
  JoinSessionReplyEvent_ReplyType,
  LeaveSessionEvent,
  type LogEvent,
  type ServerCommand,
  ServerCommand_CommandType,
  type SessionEvent,
  StopSessionEvent,
  UserEvent,
  UserEvent_EventType,
} from '@terabus/messages';
import type { NatsServer } from '@terabus/testing';
import { startNatsServer, terabusAssertions } from '@terabus/testing';
import { expect, use } from 'chai';
import { Container } from 'inversify';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import { Database } from '../contracts/database.contract.js';
import type { Kind, Member } from '../contracts/kinds.js';
import { logLevels, logLines } from '../contracts/logging.contract.js';
import type { Happening, PresenceEvent } from '../contracts/presence-event.js';
import { presenceEvent } from '../contracts/presence-event.js';
import { UserManager } from '../contracts/user-manager.contract.js';
import { cast, entries } from '../device-simulator/cast.js';
import { Directory, InMemoryDirectory } from '../directory/directory.js';
import type { SystemUnderTest } from '../support/system-under-test.js';
import { startSystem } from '../support/system-under-test.js';
import { UserManagerService } from './user-manager.service.js';

use(terabusAssertions);

const { ana, ben, tablet, bike } = cast;
const SESSION = '55555555-5555-4555-8555-555555555555';
const OTHER_SESSION = '66666666-6666-4666-8666-666666666666';
const { REPLY_ACCEPTED, REPLY_BUSY, REPLY_DENIED, REPLY_TIMEOUT, REPLY_UNKNOWN } = JoinSessionReplyEvent_ReplyType;

const invitation = (sessionUuid: string, ...who: readonly Member[]) => {
  const uuids = (kind: Kind) => who.filter((each) => each.kind === kind).map(({ uuid }) => uuid);
  return JoinSessionEvent.create({
    sessionUuid,
    sessionUsers: uuids('user'),
    sessionParticipants: uuids('participant'),
    sessionDevices: uuids('device'),
  });
};

describe('the user manager', () => {
  let server: NatsServer;
  let system: SystemUnderTest;
  let directory: InMemoryDirectory;

  before(async () => {
    server = await startNatsServer();
  });
  after(() => server.stop());

  beforeEach(async () => {
    directory = new InMemoryDirectory(entries);
    const container = new Container();
    container.bind(Directory).toConstantValue(directory);
    system = await startSystem(server, UserManagerService, container);
  });
  afterEach(() => system.stop());

  const calls = () => system.bus.client(UserManager);
  const tell = (message: PresenceEvent | SessionEvent) => system.bus.send(UserManager.messages, message);
  const socket = (who: Member, what: Happening) => tell(presenceEvent(who, what, { name: 'as the socket says' }));

  /** What the user manager said in answer to all that it was told, up to a device that nobody else knows. */
  async function said(): Promise<Message[]> {
    const uuid = randomUUID();
    await tell(presenceEvent({ kind: 'device', uuid }, 'disconnected'));
    const isFence = (message: Message) => (message as DeviceEvent).deviceUuid === uuid;
    await system.recorder.until(({ topic, message }) => topic === UserManager.events.name && isFence(message));
    const events = system.recorder.take().filter(({ topic }) => topic === UserManager.events.name);
    expect(events.every(({ together }) => together === 1)).to.equal(true);
    return events.map(({ message }) => message).filter((message) => !isFence(message));
  }

  const expectSaid = async (...expected: readonly PresenceEvent[]) => {
    const actual = await said();
    expect(actual.map(({ $type }) => $type)).to.deep.equal(expected.map(({ $type }) => $type));
    actual.forEach((message, index) => {
      expect(message).to.equalMessage(expected[index] as PresenceEvent);
    });
  };
  const about = (what: Happening) => (who: Member) => presenceEvent(who, what, who as typeof ana);
  const joined = about('joined');
  const left = about('left');

  it('UM-1 whoever connects is online, and everybody is told in the words of the socket, also twice', async () => {
    await socket(ana, 'connected');
    await socket(tablet, 'connected');
    await socket(ana, 'connected');
    const words = { name: 'as the socket says' };
    await expectSaid(
      presenceEvent(ana, 'connected', words),
      presenceEvent(tablet, 'connected', words),
      presenceEvent(ana, 'connected', words),
    );
    expect(await calls().online_users()).to.deep.equal([ana.uuid]);
    expect(await calls().online_devices()).to.deep.equal([tablet.uuid]);
  });

  it('UM-1 those online are listed in the order in which they connected, each with its kind', async () => {
    for (const device of [bike, tablet]) await socket(device, 'connected');
    await socket(ben, 'connected');
    await said();
    expect(await calls().online_devices()).to.deep.equal([bike.uuid, tablet.uuid]);
    expect(await calls().online_participants()).to.deep.equal([ben.uuid]);
    expect(await calls().online_users()).to.deep.equal([]);
  });

  it('UM-1 other things that happened to somebody are nothing that it is told', async () => {
    await tell(UserEvent.create({ userUuid: ana.uuid, type: UserEvent_EventType.USER_ADDED }));
    await socket(ana, 'joined');
    await expectSaid();
    expect(await calls().online_users()).to.deep.equal([]);
  });

  it('UM-2 whoever disconnects is offline, and everybody is told, also of somebody who was not online', async () => {
    await socket(ben, 'connected');
    await said();
    await socket(ben, 'disconnected');
    await socket(ben, 'disconnected');
    const event = presenceEvent(ben, 'disconnected', { name: 'as the socket says' });
    await expectSaid(event, event);
    expect(await calls().online_participants()).to.deep.equal([]);
  });

  it('UM-2 whoever disconnects is still in the session, and what a device said last is forgotten', async () => {
    await socket(tablet, 'connected');
    await tell(invitation(SESSION, tablet));
    await said();
    await calls().update_device_status(tablet.uuid, '{}', 1);
    await socket(tablet, 'disconnected');
    await said();
    expect(await calls().status_devices()).to.deep.equal({
      [tablet.uuid]: { online: false, busy: true, status: null },
    });
    await socket(tablet, 'connected');
    await said();
    expect(await calls().status_devices()).to.deep.equal({ [tablet.uuid]: { online: true, busy: true, status: null } });
  });

  it('UM-1 UM-2 who comes and who goes is in the log, too', async () => {
    const line = async (text: string) => {
      const isIt = (message: Message) => (message as LogEvent).message === text;
      const log = logLines({ level: 'info' }).name;
      const { message } = await system.recorder.until(({ topic, message }) => topic === log && isIt(message));
      expect(message).to.include({ level: logLevels.info, sender: UserManager.name });
    };
    await socket(ana, 'connected');
    await line(`user online ${ana.uuid}`);
    await socket(tablet, 'disconnected');
    await line(`device offline ${tablet.uuid}`);
  });

  it('UM-3 all whom an invitation names are announced: users, participants, devices', async () => {
    await tell(invitation(SESSION, tablet, ben, ana, bike));
    await expectSaid(joined(ana), joined(ben), joined(tablet), joined(bike));
    expect(await calls().busy_users()).to.deep.equal({ [ana.uuid]: SESSION });
    expect(await calls().busy_participants()).to.deep.equal({ [ben.uuid]: SESSION });
    expect(await calls().busy_devices()).to.deep.equal({ [tablet.uuid]: SESSION, [bike.uuid]: SESSION });
  });

  it('UM-3 the first session wins, and a repeated invitation is announced again', async () => {
    await tell(invitation(SESSION, ana));
    await tell(invitation(SESSION, ana));
    await tell(invitation(OTHER_SESSION, ana, ben));
    await expectSaid(joined(ana), joined(ana), joined(ana), joined(ben));
    expect(await calls().busy_users()).to.deep.equal({ [ana.uuid]: SESSION });
    expect(await calls().busy_participants()).to.deep.equal({ [ben.uuid]: OTHER_SESSION });
  });

  it('UM-4 whoever leaves is free and announced; who is in another session is announced and stays in it', async () => {
    await tell(invitation(SESSION, ana, ben, tablet));
    await tell(invitation(OTHER_SESSION, bike));
    await said();
    await tell(
      LeaveSessionEvent.create({
        sessionUuid: SESSION,
        leavingDevices: [bike.uuid, tablet.uuid],
        leavingParticipants: [ben.uuid],
        leavingUsers: [ana.uuid],
      }),
    );
    await expectSaid(left(ana), left(ben), left(bike), left(tablet));
    expect(await calls().busy_users()).to.deep.equal({});
    expect(await calls().busy_participants()).to.deep.equal({});
    expect(await calls().busy_devices()).to.deep.equal({ [bike.uuid]: OTHER_SESSION });
  });

  it('UM-5 the end of a session frees all who are in it, and nobody else', async () => {
    await tell(invitation(SESSION, tablet, ben, ana));
    await tell(invitation(OTHER_SESSION, bike, ana));
    await said();
    await tell(StopSessionEvent.create({ sessionUuid: SESSION }));
    await expectSaid(left(ana), left(ben), left(tablet));
    expect(await calls().busy_users()).to.deep.equal({});
    expect(await calls().busy_devices()).to.deep.equal({ [bike.uuid]: OTHER_SESSION });
    await tell(StopSessionEvent.create({ sessionUuid: SESSION }));
    await expectSaid();
  });

  it('UM-6 whoever accepts is already in; whatever else is answered, means leaving', async () => {
    await tell(invitation(SESSION, ana, ben, tablet, bike));
    await said();
    const reply = { sessionUuid: SESSION };
    await tell(JoinSessionReplyEvent.create({ ...reply, userUuid: ana.uuid, joinReply: REPLY_ACCEPTED }));
    await expectSaid();
    expect(await calls().busy_users()).to.deep.equal({ [ana.uuid]: SESSION });
    await tell(JoinSessionReplyEvent.create({ ...reply, participantUuid: ben.uuid, joinReply: REPLY_DENIED }));
    await tell(JoinSessionReplyEvent.create({ ...reply, deviceUuid: tablet.uuid, joinReply: REPLY_BUSY }));
    await tell(JoinSessionReplyEvent.create({ ...reply, deviceUuid: bike.uuid, joinReply: REPLY_UNKNOWN }));
    await tell(JoinSessionReplyEvent.create({ ...reply, userUuid: ana.uuid, joinReply: REPLY_TIMEOUT }));
    await expectSaid(left(ben), left(tablet), left(bike), left(ana));
    expect(await calls().busy_users()).to.deep.equal({});
    expect(await calls().busy_participants()).to.deep.equal({});
    expect(await calls().busy_devices()).to.deep.equal({});
  });

  it('UM-6 a reply that names several is theirs: user, participant, device', async () => {
    await tell(invitation(SESSION, ana, ben, tablet));
    await said();
    const [userUuid, participantUuid, deviceUuid] = [ana.uuid, ben.uuid, tablet.uuid];
    const joinReply = REPLY_DENIED;
    await tell(
      JoinSessionReplyEvent.create({ sessionUuid: SESSION, userUuid, participantUuid, deviceUuid, joinReply }),
    );
    await expectSaid(left(ana), left(ben), left(tablet));
  });

  it('UM-7 names come from the directory, those of participants with project and site', async () => {
    await tell(invitation(SESSION, ben));
    const [event] = await said();
    expect(event).to.include({
      participantName: 'Ben Ito',
      participantProjectName: 'Balance at home',
      participantSiteName: 'Sherbrooke',
    });
  });

  it('UM-7 somebody unknown has empty names, a user too, and nobody after them is forgotten', async () => {
    const stranger = (kind: Kind): Member => ({ kind, uuid: randomUUID() });
    const strangers = [stranger('user'), stranger('participant'), stranger('device')] as const;
    const [user, participant, device] = strangers;
    await tell(invitation(SESSION, ...strangers, ana, tablet));
    await expectSaid(
      presenceEvent(user, 'joined'),
      joined(ana),
      presenceEvent(participant, 'joined'),
      presenceEvent(device, 'joined'),
      joined(tablet),
    );
  });

  it('UM-7 a directory that fails costs names and nothing else', async () => {
    directory.find = () => Promise.reject(new Error('the database is down'));
    await tell(invitation(SESSION, ana, tablet));
    await expectSaid(presenceEvent(ana, 'joined'), presenceEvent(tablet, 'joined'));
  });

  it('UM-8 being online and being in a session have nothing to do with each other', async () => {
    await socket(ana, 'connected');
    await socket(bike, 'connected');
    await tell(invitation(SESSION, ben, bike));
    await said();
    expect(await calls().status_users()).to.deep.equal({ [ana.uuid]: { online: true, busy: false } });
    expect(await calls().status_participants()).to.deep.equal({ [ben.uuid]: { online: false, busy: true } });
    expect(await calls().status_devices()).to.deep.equal({ [bike.uuid]: { online: true, busy: true, status: null } });
  });

  it('UM-9 what a device says is kept, given back, and told to everybody', async () => {
    await socket(tablet, 'connected');
    await said();
    const status = '{"battery": 50}';
    const answer = await calls().update_device_status(tablet.uuid, status, 1_737_474_847.5);
    expect(answer).to.deep.equal({ uuid: tablet.uuid, status, timestamp: 1_737_474_847.5 });
    await expectSaid(
      DeviceEvent.create({
        deviceUuid: tablet.uuid,
        type: DeviceEvent_EventType.DEVICE_STATUS_CHANGED,
        deviceName: 'Tablet',
        deviceStatus: JSON.stringify({ status, timestamp: 1_737_474_847.5 }),
      }),
    );
    expect((await calls().status_devices())[tablet.uuid]?.status).to.deep.equal({ status, timestamp: 1_737_474_847.5 });
  });

  it('UM-9 a device that is offline gets null, known or not, and nobody is told', async () => {
    expect(await calls().update_device_status(tablet.uuid, '{}', 1)).to.equal(null);
    expect(await calls().update_device_status(randomUUID(), '{}', 1)).to.equal(null);
    await expectSaid();
    expect(await calls().status_devices()).to.deep.equal({});
  });

  it('UM-9 a device that goes while it is looked up gets null, and nobody is told', async () => {
    await socket(tablet, 'connected');
    await said();
    let isAsked = () => {};
    let answer = () => {};
    const asked = new Promise<void>((resolve) => {
      isAsked = resolve;
    });
    directory.find = () => {
      isAsked();
      return new Promise((resolve) => {
        answer = () => resolve(tablet);
      });
    };
    const status = calls().update_device_status(tablet.uuid, '{}', 1);
    await asked;
    await socket(tablet, 'disconnected');
    await said();
    answer();
    expect(await status).to.equal(null);
    await expectSaid();
    expect(await calls().status_devices()).to.deep.equal({});
  });

  it('UM-9 a device that nobody knows is an error that says so, and nothing is kept', async () => {
    const stranger: Member = { kind: 'device', uuid: randomUUID() };
    await socket(stranger, 'connected');
    await said();
    const error = await calls()
      .update_device_status(stranger.uuid, '{}', 1)
      .catch((reason: unknown) => reason);
    expect(error).to.include({ code: 'NOT_FOUND' });
    await expectSaid();
    expect((await calls().status_devices())[stranger.uuid]?.status).to.equal(null);
  });

  describe('UM-10', () => {
    const { DB_CREATE, DB_UPDATE, DB_DELETE } = DatabaseEvent_EventType;
    const row = (kind: Kind, type: DatabaseEvent_EventType, objectValue: string) =>
      system.bus.publish(
        Database.events({ table: kind }),
        DatabaseEvent.create({ type, objectType: kind, objectValue }),
      );

    /** Whose sockets were told to close, up to somebody who is deleted and whom nobody else knows. */
    async function toldToGo(kind: Kind): Promise<string[]> {
      const fence = randomUUID();
      const uuidOf = (topic: string) => topic.slice(topic.lastIndexOf('.') + 1);
      await row(kind, DB_DELETE, JSON.stringify({ [`${kind}_uuid`]: fence }));
      await system.recorder.until(({ topic }) => uuidOf(topic) === fence);
      const commands = system.recorder.take().filter(({ message }) => message.$type.endsWith('ServerCommand'));
      for (const { message } of commands)
        expect((message as ServerCommand).type).to.equal(ServerCommand_CommandType.CMD_CLIENT_DISCONNECT);
      return commands.map(({ topic }) => uuidOf(topic)).filter((uuid) => uuid !== fence);
    }

    for (const { kind, uuid } of [ana, ben, tablet]) {
      const columns = (more: object) => JSON.stringify({ [`id_${kind}`]: 7, [`${kind}_uuid`]: uuid, ...more });

      it(`a ${kind} who is disabled, deleted softly, or deleted is told to go`, async () => {
        await row(kind, DB_UPDATE, columns({ [`${kind}_enabled`]: false }));
        await row(kind, DB_UPDATE, columns({ [`${kind}_enabled`]: true, deleted_at: '2025-01-21T10:00:00' }));
        await row(kind, DB_UPDATE, columns({ deleted_at: null })); // the key counts
        await row(kind, DB_DELETE, columns({}));
        expect(await toldToGo(kind)).to.deep.equal([uuid, uuid, uuid, uuid]);
      });

      it(`a ${kind} who is both disabled and deleted softly is told twice`, async () => {
        await row(kind, DB_UPDATE, columns({ [`${kind}_enabled`]: false, deleted_at: '2025-01-21T10:00:00' }));
        expect(await toldToGo(kind)).to.deep.equal([uuid, uuid]);
      });

      it(`a ${kind} who is created, or changed in another way, stays`, async () => {
        await row(kind, DB_CREATE, columns({ [`${kind}_enabled`]: false }));
        await row(kind, DB_UPDATE, columns({ [`${kind}_enabled`]: true }));
        await row(kind, DB_UPDATE, columns({}));
        expect(await toldToGo(kind)).to.deep.equal([]);
      });
    }

    it('presence changes when the socket closes, not before', async () => {
      await socket(ana, 'connected');
      await said();
      await row('user', DB_DELETE, JSON.stringify({ user_uuid: ana.uuid }));
      expect(await toldToGo('user')).to.deep.equal([ana.uuid]);
      expect(await calls().online_users()).to.deep.equal([ana.uuid]);
      await expectSaid();
    });

    it('a row that can’t be read costs itself and nothing else', async () => {
      await row('user', DB_DELETE, 'no JSON');
      await row('user', DB_DELETE, '{"participant_uuid": "of another table"}');
      await row('user', DB_DELETE, JSON.stringify({ user_uuid: ana.uuid }));
      expect(await toldToGo('user')).to.deep.equal([ana.uuid]);
    });
  });
});
