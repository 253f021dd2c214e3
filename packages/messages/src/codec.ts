/**
 * ts-proto's codecs of OpenTera's messages, for generated code alone: messages of yours that hold an Any or one of
 * OpenTera's messages encode it with these. Applications import from `@terabus/messages`.
 * @module
 */

export { ArchiveEvent, ArchiveEvent_StatusType } from './gen/ArchiveEvent.codec.js';
export { CreateSession } from './gen/CreateSession.codec.js';
export { DatabaseEvent, DatabaseEvent_EventType } from './gen/DatabaseEvent.codec.js';
export { DeviceEvent, DeviceEvent_EventType } from './gen/DeviceEvent.codec.js';
export { Any } from './gen/google/protobuf/any.codec.js';
export { JoinSessionEvent } from './gen/JoinSessionEvent.codec.js';
export { JoinSessionReplyEvent, JoinSessionReplyEvent_ReplyType } from './gen/JoinSessionReplyEvent.codec.js';
export { LeaveSessionEvent } from './gen/LeaveSessionEvent.codec.js';
export { LogEvent, LogEvent_LogLevel } from './gen/LogEvent.codec.js';
export { LoginEvent, LoginEvent_LoginStatus, LoginEvent_LoginType } from './gen/LoginEvent.codec.js';
export { ParticipantEvent, ParticipantEvent_EventType } from './gen/ParticipantEvent.codec.js';
export { Result, Result_ResultType } from './gen/Result.codec.js';
export { RPCMessage, Value } from './gen/RPCMessage.codec.js';
export { ServerCommand, ServerCommand_CommandType } from './gen/ServerCommand.codec.js';
export { StopSessionEvent } from './gen/StopSessionEvent.codec.js';
export { TeraEvent, TeraEvent_Header } from './gen/TeraEvent.codec.js';
export { TeraMessage } from './gen/TeraMessage.codec.js';
export { TeraModuleMessage, TeraModuleMessage_Header } from './gen/TeraModuleMessage.codec.js';
export { UserEvent, UserEvent_EventType } from './gen/UserEvent.codec.js';
export {
  UserRegisterToEvent,
  UserRegisterToEvent_Action,
  UserRegisterToEvent_EventType,
} from './gen/UserRegisterToEvent.codec.js';
