import { randomUUID } from 'node:crypto';
import { VirtualClock } from '@terabus/core/memory';
import type { Message, SessionEvent } from '@terabus/messages';
import {
  JoinSessionEvent,
  JoinSessionReplyEvent,
  JoinSessionReplyEvent_ReplyType,
  LeaveSessionEvent,
  StopSessionEvent,
} from '@terabus/messages';
import type { NatsServer } from '@terabus/testing';
import { startNatsServer, terabusAssertions } from '@terabus/testing';
import { expect, use } from 'chai';
import { Container } from 'inversify';
import { after, afterEach, before, beforeEach, describe, it } from 'mocha';
import type { Member } from '../contracts/kinds.js';
import { presenceEvent } from '../contracts/presence-event.js';
import type { RequestFor, SessionInfo, SessionRequest } from '../contracts/session-manager.contract.js';
import { VIDEO_REHAB_UUID, VideoRehab } from '../contracts/session-manager.contract.js';
import { signalling, socketEvents } from '../contracts/topics.js';
import { UserManager } from '../contracts/user-manager.contract.js';
import { cast, creators, entries } from '../device-simulator/cast.js';
import { Directory, InMemoryDirectory } from '../directory/directory.js';
import type { SystemUnderTest } from '../support/system-under-test.js';
import { startSystem } from '../support/system-under-test.js';
import { SessionManagerService } from './session-manager.service.js';
import { InMemorySessionStore, SESSION_EVENT, SESSION_STATUS, SessionStore } from './session-store.js';

use(terabusAssertions);

const { ana, ben, tablet, bike } = cast;
const { REPLY_ACCEPTED, REPLY_BUSY, REPLY_DENIED, REPLY_TIMEOUT, REPLY_UNKNOWN } = JoinSessionReplyEvent_ReplyType;

describe('the session manager', () => {
  let server: NatsServer;
  let system: SystemUnderTest;
  let store: InMemorySessionStore;
  let clock: VirtualClock;

  before(async () => {
    server = await startNatsServer();
  });
  after(() => server.stop());

  beforeEach(async () => {
    clock = new VirtualClock();
    store = new InMemorySessionStore([
      ...creators,
      { id: 2, ...ben },
      { id: 3, ...tablet },
      { id: 4, kind: 'service', uuid: VIDEO_REHAB_UUID, name: 'Video rehabilitation' },
    ]);
    const container = new Container();
    container.bind(Directory).toConstantValue(new InMemoryDirectory(entries));
    container.bind(SessionStore).toConstantValue(store);
    system = await startSystem(server, SessionManagerService, container, clock);
  });
  afterEach(() => system.stop());

  const manage = (request: SessionRequest) => system.bus.client(VideoRehab).session_manage({ session_manage: request });

  const wanted: RequestFor<'start'> = {
    action: 'start',
    id_session: 0,
    id_service: 1,
    id_session_type: 1,
    id_creator_user: 1,
    session_users: [ana.uuid],
    session_participants: [ben.uuid],
    session_devices: [tablet.uuid],
  };

  async function start(more: Partial<RequestFor<'start'>> = {}): Promise<SessionInfo> {
    const answer = await manage({ ...wanted, ...more });
    if (answer?.session === undefined) throw new Error(`not started: ${JSON.stringify(answer)}`);
    return answer.session;
  }

  const topicOf = ({ kind, uuid }: Member) => socketEvents[kind]({ uuid }).name;
  const toUserManager = UserManager.messages.name;
  const reply = (id_session: number, who: Member, reply_code: number, reply_msg?: string) =>
    manage({
      action: 'invite_reply',
      id_session,
      parameters: { reply_code, [`${who.kind}_uuid`]: who.uuid, ...(reply_msg === undefined ? {} : { reply_msg }) },
    });

  /** What was said since the last look, as topics and messages. What precedes an answer is here when the answer is. */
  const said = () =>
    system.recorder
      .take()
      .filter(({ topic }) => topic !== UserManager.events.name)
      .map(({ topic, message }) => [topic, message] as const);
  const topics = () => said().map(([topic]) => topic);
  const noted = () => store.events.splice(0).map(({ type, text }) => (text === undefined ? [type] : [type, text]));

  function expectSaid(event: SessionEvent, ...listeners: readonly Member[]) {
    const all = said();
    expect(all.map(([topic]) => topic)).to.deep.equal([...listeners.map(topicOf), toUserManager]);
    for (const [, message] of all) expect(message).to.equalMessage(event);
  }

  describe('start', () => {
    it('SM-1 a new session is created, noted, and described; nobody is invited yet', async () => {
      const session = await start({ parameters: { exercise: 'balance' } });
      expect(session).to.deep.include({
        id_session: 1,
        session_status: SESSION_STATUS.inProgress,
        session_creator_uuid: ana.uuid,
        session_parameters: '{"exercise":"balance"}',
        session_users: [ana.uuid],
        session_participants: [ben.uuid],
        session_devices: [tablet.uuid],
      });
      expect(session.session_url_users)
        .to.match(/^https:.*\/users\?key=/)
        .and.contain(session.session_key);
      expect(session.session_url_devices).to.contain('/devices?key=');
      expect(noted()).to.deep.equal([[SESSION_EVENT.start]]);
      expect(topics()).to.deep.equal([]);
    });

    it('SM-1 lists may be left away, parameters may be JSON already or empty', async () => {
      const { session_devices: _, ...without } = wanted;
      const answer = await manage({ ...without, parameters: '{"a": 1}' });
      expect(answer?.session).to.deep.include({ session_devices: [], session_parameters: '{"a": 1}' });
      expect(await start({ parameters: '' })).to.include({ session_parameters: '{}' });
    });

    it('SM-1 a session that was stopped goes on with the members of the request', async () => {
      const first = await start();
      await manage({ action: 'stop', id_session: first.id_session });
      const again = await start({ id_session: first.id_session, session_devices: [bike.uuid] });
      expect(again.session_uuid).to.equal(first.session_uuid);
      expect(again.session_key).not.to.equal(first.session_key);
      expect(again).to.deep.include({ session_devices: [bike.uuid], session_status: SESSION_STATUS.inProgress });
    });

    it('SM-1 its creator is the first of user, participant, device and service', async () => {
      const creator = async (ids: Partial<RequestFor<'start'>>) =>
        (await start({ id_creator_user: undefined, ...ids })).session_creator_uuid;
      const service = { id_creator_service: 4 };
      const device = { id_creator_device: 3, ...service };
      const participant = { id_creator_participant: 2, ...device };
      expect(await creator({ id_creator_user: 1, ...participant })).to.equal(ana.uuid);
      expect(await creator(participant)).to.equal(ben.uuid);
      expect(await creator(device)).to.equal(tablet.uuid);
      expect(await creator(service)).to.equal(VIDEO_REHAB_UUID);
    });

    it('SM-1 a store that fails starts nothing, and it can be started again', async () => {
      const addEvent = store.addEvent.bind(store);
      store.addEvent = () => Promise.reject(new Error('the database is down'));
      expect(await start().catch((reason: unknown) => reason)).to.be.instanceOf(Error);
      expect(await manage({ action: 'stop', id_session: 1 })).to.include({ status: 'error' });
      store.addEvent = addEvent;
      expect(await start({ id_session: 1 })).to.include({ id_session: 1 });
    });

    it('SM-1 a session that is not there, or without a creator, is an error with a text', async () => {
      expect(await manage({ ...wanted, id_session: 7 })).to.deep.equal({
        status: 'error',
        error_text: 'there is no session 7',
      });
      expect(await manage({ ...wanted, id_creator_user: 99 })).to.include({ status: 'error' });
      expect(await manage({ ...wanted, id_creator_user: undefined })).to.include({ status: 'error' });
    });

    it('SM-1 a creator has one session: the one before is stopped, and its members are told', async () => {
      const first = await start();
      const second = await start({ session_devices: [] });
      expectSaid(
        StopSessionEvent.create({ sessionUuid: first.session_uuid, serviceUuid: VIDEO_REHAB_UUID }),
        ana,
        ben,
        tablet,
      );
      expect(await manage({ action: 'invite', id_session: first.id_session })).to.equal(null);
      expect(await manage({ action: 'stop', id_session: second.id_session })).to.include({ status: 'stopped' });
    });

    it('SM-1 what is no request is an error at once', async () => {
      for (const bad of [{ action: 'dance' }, { action: 'stop' }, undefined]) {
        const error = await manage(bad as never).catch((reason: unknown) => reason);
        expect(error).to.be.busError('TERABUS_RPC_ARGUMENTS');
      }
    });
  });

  describe('ready', () => {
    it('SM-2 when the room is ready, all are invited, and the user manager hears of it once', async () => {
      const { session_key: key } = await start();
      await system.bus.publish(signalling({ key }), 'Ready!');
      await system.recorder.until(({ topic }) => topic === toUserManager);
      expect(topics()).to.deep.equal([topicOf(ana), topicOf(ben), topicOf(tablet), toUserManager]);
    });

    it('SM-2 other words, other rooms and rooms of sessions that are over invite nobody', async () => {
      const { session_key: key, session_uuid: sessionUuid, id_session } = await start();
      await system.bus.publish(signalling({ key }), 'Almost!');
      await system.bus.publish(signalling({ key: randomUUID() }), 'Ready!');
      await manage({ action: 'stop', id_session });
      expectSaid(StopSessionEvent.create({ sessionUuid, serviceUuid: VIDEO_REHAB_UUID }), ana, ben, tablet);
      await system.bus.publish(signalling({ key }), 'Ready!');
      await start();
      expect(topics()).to.deep.equal([]);
    });

    it('SM-9 an invitation has the whole lists and the address for its kind; the last also goes to the user manager', async () => {
      const session = await start({ parameters: '{"a": 1}' });
      await system.bus.publish(signalling({ key: session.session_key }), 'Ready!');
      await system.recorder.until(({ topic }) => topic === toUserManager);
      const invitation = (sessionUrl: string) =>
        JoinSessionEvent.create({
          sessionUrl,
          sessionCreatorName: 'Ana Roy',
          sessionUuid: session.session_uuid,
          sessionUsers: [ana.uuid],
          sessionParticipants: [ben.uuid],
          sessionDevices: [tablet.uuid],
          joinMsg: 'Join me!',
          sessionParameters: '{"a": 1}',
          serviceUuid: VIDEO_REHAB_UUID,
        });
      const urls = [session.session_url_users, session.session_url_participants, session.session_url_devices];
      const messages = said().map(([, message]) => message);
      [...urls, session.session_url_devices].forEach((url, index) => {
        expect(messages[index]).to.equalMessage(invitation(url));
      });
    });
  });

  describe('stop', () => {
    it('SM-3 is noted, ends the session, and is told to all members and to the user manager', async () => {
      const { id_session, session_uuid: sessionUuid } = await start();
      noted();
      const answer = await manage({ action: 'stop', id_session });
      expect(answer).to.include({ status: 'stopped' });
      expect(answer?.session).to.include({ session_status: SESSION_STATUS.completed });
      expect(noted()).to.deep.equal([[SESSION_EVENT.stop]]);
      expectSaid(StopSessionEvent.create({ sessionUuid, serviceUuid: VIDEO_REHAB_UUID }), ana, ben, tablet);
      expect(await store.find(id_session)).to.include({ status: SESSION_STATUS.completed });
    });

    it('SM-3 counts how long it ran, in seconds, over all its runs', async () => {
      const { id_session } = await start();
      await clock.advance(90_000);
      const once = await manage({ action: 'stop', id_session });
      expect(once?.session).to.include({ session_duration: 90 });
      await clock.advance(1_000_000);
      await start({ id_session });
      await clock.advance(30_000);
      await manage({ action: 'stop', id_session });
      expect(await store.find(id_session)).to.include({ duration: 120 });
    });

    it('SM-3 what happens meanwhile finds it stopped', async () => {
      const { session_key: key, session_uuid: sessionUuid, id_session } = await start();
      const addEvent = store.addEvent.bind(store);
      const held = new Promise<() => void>((isHeld) => {
        store.addEvent = (id, event) => new Promise<void>((release) => isHeld(release)).then(() => addEvent(id, event));
      });
      const stopping = manage({ action: 'stop', id_session });
      const release = await held;
      store.addEvent = addEvent;
      await system.bus.publish(signalling({ key }), 'Ready!');
      await system.bus.publish(UserManager.events, presenceEvent(ana, 'disconnected'));
      const again = manage({ action: 'stop', id_session });
      await system.bus.client(VideoRehab).participant_info(ben.uuid); // all of it has arrived
      release();
      expect(await stopping).to.include({ status: 'stopped' });
      expect(await again).to.include({ status: 'error' });
      expectSaid(StopSessionEvent.create({ sessionUuid, serviceUuid: VIDEO_REHAB_UUID }), ana, ben, tablet);
    });

    it('SM-3 of a session that does not run is an error with a text', async () => {
      expect(await manage({ action: 'stop', id_session: 7 })).to.include({ status: 'error' });
    });

    it('SM-3 a store that fails leaves the session as it is, and it can be stopped again', async () => {
      const { id_session } = await start();
      const update = store.update.bind(store);
      store.update = () => Promise.reject(new Error('the database is down'));
      const error = await manage({ action: 'stop', id_session }).catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(Error);
      expect(topics()).to.deep.equal([]);
      store.update = update;
      expect(await manage({ action: 'stop', id_session })).to.include({ status: 'stopped' });
    });

    it('SM-3 asked for twice at once, a session is stopped once', async () => {
      const { id_session } = await start();
      const answers = await Promise.all([1, 2].map(() => manage({ action: 'stop', id_session })));
      expect(answers.map((answer) => answer?.status)).to.deep.equal(['stopped', 'error']);
      expect(topics()).to.have.length(4);
    });
  });

  describe('invite', () => {
    it('SM-4 adds those who are new, notes them, and invites everybody again', async () => {
      const { id_session } = await start();
      noted();
      const answer = await manage({
        action: 'invite',
        id_session,
        session_devices: [tablet.uuid, bike.uuid, bike.uuid],
      });
      expect(answer).to.include({ status: 'invited' });
      expect(answer?.session?.session_devices).to.deep.equal([tablet.uuid, bike.uuid]);
      expect(noted()).to.deep.equal([[SESSION_EVENT.join, `Device: ${bike.uuid}`]]);
      const all = said();
      expect(all.map(([topic]) => topic)).to.deep.equal([...[ana, ben, tablet, bike].map(topicOf), toUserManager]);
      for (const [, message] of all)
        expect((message as JoinSessionEvent).sessionDevices).to.deep.equal([tablet.uuid, bike.uuid]);
    });

    it('SM-4 invites users first, then participants, then devices, whenever they were added', async () => {
      const { id_session } = await start({ session_participants: [] });
      await manage({ action: 'invite', id_session, session_participants: [ben.uuid] });
      expect(topics()).to.deep.equal([...[ana, ben, tablet].map(topicOf), toUserManager]);
    });

    it('SM-4 to a session that does not run is null', async () => {
      expect(await manage({ action: 'invite', id_session: 7, session_users: [ana.uuid] })).to.equal(null);
    });

    it('SM-4 a store that fails adds nobody', async () => {
      const { id_session } = await start();
      store.addEvent = () => Promise.reject(new Error('the database is down'));
      await manage({ action: 'invite', id_session, session_devices: [bike.uuid] }).catch(() => undefined);
      const answer = await manage({ action: 'invite', id_session });
      expect(answer?.session?.session_devices).to.deep.equal([tablet.uuid]);
    });
  });

  describe('remove', () => {
    it('SM-5 is noted for each, and told to all who were in the session, the removed too', async () => {
      const { id_session, session_uuid: sessionUuid } = await start();
      noted();
      const answer = await manage({
        action: 'remove',
        id_session,
        session_participants: [ben.uuid],
        session_devices: [tablet.uuid],
      });
      expect(answer).to.include({ status: 'removed' });
      expect(answer?.session).to.deep.include({
        session_participants: [],
        session_devices: [],
        session_users: [ana.uuid],
      });
      expect(noted()).to.deep.equal([
        [SESSION_EVENT.leave, `Participant: ${ben.uuid}`],
        [SESSION_EVENT.leave, `Device: ${tablet.uuid}`],
      ]);
      const event = LeaveSessionEvent.create({
        sessionUuid,
        serviceUuid: VIDEO_REHAB_UUID,
        leavingParticipants: [ben.uuid],
        leavingDevices: [tablet.uuid],
      });
      expectSaid(event, ana, ben, tablet);
    });

    it('SM-5 of strangers is noted and told to nobody', async () => {
      const { id_session } = await start();
      noted();
      expect(await manage({ action: 'remove', id_session, session_devices: [bike.uuid] })).to.include({
        status: 'removed',
      });
      expect(noted()).to.deep.equal([]);
      expect(topics()).to.deep.equal([]);
    });

    it('SM-5 of the creator leaves the session to the others', async () => {
      const { id_session } = await start();
      await manage({ action: 'remove', id_session, session_users: [ana.uuid] });
      said();
      expect(await manage({ action: 'stop', id_session })).to.include({ status: 'stopped' });
      expect(topics()).to.deep.equal([topicOf(ben), topicOf(tablet), toUserManager]);
    });

    it('SM-5 from a session that does not run is null', async () => {
      expect(await manage({ action: 'remove', id_session: 7 })).to.equal(null);
    });
  });

  describe('invite_reply', () => {
    it('SM-6 whoever accepts is told to all members', async () => {
      const { id_session, session_uuid: sessionUuid } = await start();
      noted();
      const answer = await reply(id_session, ben, REPLY_ACCEPTED, 'I am coming');
      expect(answer).to.include({ status: 'OK' });
      expect(noted()).to.deep.equal([]);
      const event = { sessionUuid, participantUuid: ben.uuid, joinReply: REPLY_ACCEPTED, replyMsg: 'I am coming' };
      expectSaid(JoinSessionReplyEvent.create(event), ana, ben, tablet);
    });

    it('SM-6 the creator who accepts is told to all members', async () => {
      const { id_session, session_uuid: sessionUuid } = await start();
      expect(await reply(id_session, ana, REPLY_ACCEPTED)).to.include({ status: 'OK' });
      const event = { sessionUuid, userUuid: ana.uuid, joinReply: REPLY_ACCEPTED };
      expectSaid(JoinSessionReplyEvent.create(event), ana, ben, tablet);
    });

    for (const code of [REPLY_UNKNOWN, REPLY_DENIED, REPLY_TIMEOUT]) {
      it(`SM-6 the code ${code} refuses, too`, async () => {
        const { id_session } = await start();
        expect((await reply(id_session, tablet, code))?.session?.session_devices).to.deep.equal([]);
        expect(topics()).to.deep.equal([topicOf(ana), topicOf(ben), toUserManager]);
      });
    }

    it('SM-6 whoever refuses is out, and told to those who remain', async () => {
      const { id_session, session_uuid: sessionUuid } = await start();
      noted();
      const answer = await reply(id_session, tablet, REPLY_BUSY);
      expect(answer?.session?.session_devices).to.deep.equal([]);
      expect(noted()).to.deep.equal([[SESSION_EVENT.joinRefused, `Device: ${tablet.uuid}`]]);
      expectSaid(
        JoinSessionReplyEvent.create({ sessionUuid, deviceUuid: tablet.uuid, joinReply: REPLY_BUSY }),
        ana,
        ben,
      );
    });

    it('SM-6 the creator who refuses ends the session', async () => {
      const { id_session, session_uuid: sessionUuid } = await start();
      const answer = await reply(id_session, ana, REPLY_DENIED);
      expect(answer).to.deep.equal({ status: 'error', error_text: 'the creator refused to join' });
      expectSaid(StopSessionEvent.create({ sessionUuid, serviceUuid: VIDEO_REHAB_UUID }), ana, ben, tablet);
      expect(await reply(id_session, ben, REPLY_ACCEPTED)).to.equal(null);
    });

    it('SM-6 the creator who refuses ends the session, also one who is no member', async () => {
      const { id_session } = await start({ session_users: [] });
      expect(await reply(id_session, ana, REPLY_BUSY)).to.include({ error_text: 'the creator refused to join' });
      expect(topics()).to.deep.equal([topicOf(ben), topicOf(tablet), toUserManager]);
    });

    it('SM-6 the answer of somebody who was not asked, or of nobody, is an error that nobody hears of', async () => {
      const { id_session } = await start();
      expect(await reply(id_session, bike, REPLY_ACCEPTED)).to.include({ status: 'error' });
      const ofNobody = await manage({ action: 'invite_reply', id_session, parameters: { reply_code: REPLY_ACCEPTED } });
      expect(ofNobody).to.include({ status: 'error' });
      expect(topics()).to.deep.equal([]);
    });

    it('SM-6 to a session that does not run is null', async () => {
      expect(await reply(7, ben, REPLY_ACCEPTED)).to.equal(null);
    });
  });

  describe('presence', () => {
    const happens = (who: Member, what: 'connected' | 'disconnected' | 'joined' | 'left') =>
      system.bus.publish(UserManager.events, presenceEvent(who, what));

    /** All that is said up to the invitation of a member who comes back. */
    async function saidUntilBack(who: Member): Promise<string[]> {
      await happens(who, 'connected');
      await system.recorder.until(({ topic, message }) => topic === toUserManager && isInvitation(message));
      return topics();
    }
    const isInvitation = (message: Message) => message.$type === 'opentera.protobuf.JoinSessionEvent';

    it('SM-7 a member who comes back is invited, with the whole lists, and nobody else is', async () => {
      await start();
      await happens(ben, 'connected');
      await system.recorder.until(({ topic }) => topic === toUserManager);
      const all = said();
      expect(all.map(([topic]) => topic)).to.deep.equal([topicOf(ben), toUserManager]);
      expect(all[0]?.[1]).to.deep.include({ sessionDevices: [tablet.uuid] });
    });

    it('SM-7 who came before the session was asked for is invited by it alone', async () => {
      // They reach the service together, in this order.
      const told = [ana, ben, tablet].map((member) => happens(member, 'connected'));
      await start();
      await Promise.all(told);
      expect(await saidUntilBack(tablet)).to.deep.equal([topicOf(tablet), toUserManager]);
    });

    it('SM-7 strangers, and members who go, join or leave, change nothing', async () => {
      await start();
      await happens(bike, 'connected');
      await happens(tablet, 'disconnected');
      await happens(tablet, 'joined');
      await happens(tablet, 'left');
      expect(await saidUntilBack(tablet)).to.deep.equal([topicOf(tablet), toUserManager]);
    });

    it('SM-7 a session ends when its creator goes, and the service goes on', async () => {
      const { id_session } = await start();
      await happens(ana, 'disconnected');
      await system.recorder.until(({ topic }) => topic === toUserManager);
      expectSaid((await stopped(id_session)) as StopSessionEvent, ana, ben, tablet);
      expect(await manage({ action: 'stop', id_session })).to.include({ status: 'error' });
      await start();
      expect(await saidUntilBack(ben)).to.deep.equal([topicOf(ben), toUserManager]);
    });
    const stopped = async (id: number) =>
      StopSessionEvent.create({ sessionUuid: (await store.find(id))?.uuid ?? '', serviceUuid: VIDEO_REHAB_UUID });

    it('SM-8 a creator who is no member and comes back gets an invitation that does not name them', async () => {
      await start({ session_users: [] });
      await happens(ana, 'connected');
      const { message } = await system.recorder.until(({ topic }) => topic === topicOf(ana));
      expect((message as JoinSessionEvent).sessionUsers).to.deep.equal([]);
    });
  });

  it('describes no form, and knows participants by name', async () => {
    expect(await system.bus.client(VideoRehab).session_type_config({ id_session_type: 1 })).to.deep.equal({});
    expect(await system.bus.client(VideoRehab).participant_info(ben.uuid)).to.include({ name: 'Ben Ito' });
    expect(await system.bus.client(VideoRehab).participant_info(ana.uuid)).to.deep.equal({});
  });
});
