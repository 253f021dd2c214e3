/** The last token of the topics on which senders repeat their last number. No other topic may end so. */
export const HEARTBEAT_TOKEN = 'heartbeat';

const ENDING = `.${HEARTBEAT_TOKEN}`;

/** The topic, or the pattern, of the heartbeats that belong to a tracked topic, or pattern. */
export const heartbeatOf = (topic: string): string => `${topic}${ENDING}`;

/**
 * Whether a topic is one of heartbeats: of no interest to readers of messages, and left out by what records them.
 */
export const isHeartbeat = (topic: string): boolean => topic.endsWith(ENDING);

/** The way back of {@link heartbeatOf}. */
export const beatenFor = (topic: string): string => topic.slice(0, -ENDING.length);
