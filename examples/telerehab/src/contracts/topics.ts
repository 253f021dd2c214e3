import { defineTopic } from '@terabus/core/contract';
import { ServerCommand, SessionEvent } from '@terabus/messages';

/** What is said to one person or device, wherever its socket is. */
export const socketEvents = {
  user: defineTopic('websocket.user.{uuid}.events', { wrapper: 'event', types: [SessionEvent] }),
  participant: defineTopic('websocket.participant.{uuid}.events', { wrapper: 'event', types: [SessionEvent] }),
  device: defineTopic('websocket.device.{uuid}.events', { wrapper: 'event', types: [SessionEvent] }),
} as const;

/** What the server orders a socket to do. In spite of its name it carries no events: OpenTera sends module messages. */
export const socketCommands = defineTopic('module.TeraServer.TwistedModule.events.{uuid}', {
  wrapper: 'module-message',
  types: [ServerCommand],
});

/** Where the signalling process of a session says `Ready!`. */
export const signalling = defineTopic('webrtc.{key}', { wrapper: 'text' });
