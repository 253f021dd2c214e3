import { defineService, json, rpc, uuid } from '@terabus/core/contract';
import { z } from 'zod';

/** The UUID of the service's row, which OpenTera's clients find in each invitation. */
export const VIDEO_REHAB_UUID = '5d9d1bd8-6b6c-4d5e-9b0e-0d5d5b0f2a11';

const id = z.int();
const lists = { session_users: z.array(uuid), session_participants: z.array(uuid), session_devices: z.array(uuid) };
const someLists = z.object(lists).partial().shape;

const start = z.object({
  action: z.literal('start'),
  /** 0 for a session that is not there yet. */
  id_session: id,
  id_service: id,
  id_session_type: id,
  id_creator_user: id.optional(),
  id_creator_participant: id.optional(),
  id_creator_device: id.optional(),
  id_creator_service: id.optional(),
  /** A structure, or the JSON of one. */
  parameters: z.union([z.string(), z.record(z.string(), z.unknown())]).optional(),
  ...someLists,
});
const stop = z.object({ action: z.literal('stop'), id_session: id });
const invite = z.object({ action: z.literal('invite'), id_session: id, ...someLists });
const remove = z.object({ action: z.literal('remove'), id_session: id, ...someLists });
const inviteReply = z.object({
  action: z.literal('invite_reply'),
  id_session: id,
  parameters: z.object({
    /** One of `JoinSessionReplyEvent_ReplyType`. */
    reply_code: z.int().min(0).max(4),
    reply_msg: z.string().optional(),
    user_uuid: uuid.optional(),
    participant_uuid: uuid.optional(),
    device_uuid: uuid.optional(),
  }),
});

/** What can be asked of a session. Joining is answering an invitation, leaving is removing oneself. */
const sessionRequest = z.discriminatedUnion('action', [start, stop, invite, remove, inviteReply]);
export type SessionRequest = z.infer<typeof sessionRequest>;
export type RequestFor<A extends SessionRequest['action']> = Extract<SessionRequest, { action: A }>;

const sessionInfo = z.object({
  id_session: id,
  session_uuid: uuid,
  session_status: z.int(),
  /** In seconds, over all its runs. */
  session_duration: z.number(),
  session_creator_uuid: z.string(),
  session_parameters: z.string(),
  session_key: uuid,
  session_url_users: z.string(),
  session_url_participants: z.string(),
  session_url_devices: z.string(),
  ...lists,
});
export type SessionInfo = z.infer<typeof sessionInfo>;

const sessionAnswer = z.object({
  status: z.enum(['started', 'stopped', 'invited', 'removed', 'OK', 'error']),
  session: sessionInfo.optional(),
  error_text: z.string().optional(),
});
export type SessionAnswer = z.infer<typeof sessionAnswer>;

/** Runs video sessions. Named as OpenTera's own, so that its clients would find it. */
export const VideoRehab = defineService('VideoRehabService', {
  aliases: [VIDEO_REHAB_UUID],
  rpc: {
    /** Null for a session that is not running. */
    session_manage: rpc({
      args: [json(z.object({ session_manage: sessionRequest }))],
      returns: sessionAnswer.nullable(),
    }),
    /** The form with which a type of session is configured. The argument is what OpenTera's only caller sends. */
    session_type_config: rpc({
      args: [json(z.object({ id_session_type: id }))],
      returns: z.record(z.string(), z.unknown()),
      idempotent: true,
    }),
    participant_info: rpc({ args: [uuid], returns: z.record(z.string(), z.unknown()), idempotent: true }),
  },
});
