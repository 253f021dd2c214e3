import { ArchiveEvent } from '../gen/ArchiveEvent.js';
import { CreateSession } from '../gen/CreateSession.js';
import { DatabaseEvent } from '../gen/DatabaseEvent.js';
import { DeviceEvent } from '../gen/DeviceEvent.js';
import { Any } from '../gen/google/protobuf/any.js';
import { JoinSessionEvent } from '../gen/JoinSessionEvent.js';
import { JoinSessionReplyEvent } from '../gen/JoinSessionReplyEvent.js';
import { LeaveSessionEvent } from '../gen/LeaveSessionEvent.js';
import { LogEvent } from '../gen/LogEvent.js';
import { LoginEvent } from '../gen/LoginEvent.js';
import { ParticipantEvent } from '../gen/ParticipantEvent.js';
import { Result } from '../gen/Result.js';
import { RPCMessage, Value } from '../gen/RPCMessage.js';
import { ServerCommand } from '../gen/ServerCommand.js';
import { StopSessionEvent } from '../gen/StopSessionEvent.js';
import { TeraEvent, TeraEvent_Header } from '../gen/TeraEvent.js';
import { TeraMessage } from '../gen/TeraMessage.js';
import { TeraModuleMessage, TeraModuleMessage_Header } from '../gen/TeraModuleMessage.js';
import { UserEvent } from '../gen/UserEvent.js';
import { UserRegisterToEvent } from '../gen/UserRegisterToEvent.js';
import { TypeRegistry } from './type-registry.js';

/**
 * OpenTera's twenty message types, with the headers of its envelopes and Any itself, which Python's registry knows
 * too. Any holds an Any when one envelope is packed into another.
 */
export const standardTypes: TypeRegistry = new TypeRegistry([
  TeraEvent,
  TeraEvent_Header,
  TeraModuleMessage,
  TeraModuleMessage_Header,
  TeraMessage,
  RPCMessage,
  Value,
  UserEvent,
  ParticipantEvent,
  DeviceEvent,
  JoinSessionEvent,
  StopSessionEvent,
  LeaveSessionEvent,
  JoinSessionReplyEvent,
  DatabaseEvent,
  ArchiveEvent,
  ServerCommand,
  LogEvent,
  LoginEvent,
  CreateSession,
  Result,
  UserRegisterToEvent,
  Any,
]);
