import { StepFailed } from './step-failed.js';

const schemes = ['nats:', 'tls:', 'ws:', 'wss:'];

/**
 * NATS_URL, if it is set: one address or several with commas between, each `host`, `host:port` or a URL.
 *
 * @param {NodeJS.ProcessEnv} env
 * @returns {string | undefined}
 * @throws {StepFailed} when it is no address
 */
export function natsUrl(env = process.env) {
  const value = env.NATS_URL;
  if (!value) return undefined;
  for (const address of value.split(',').map((each) => each.trim())) {
    if (!isAddress(address)) {
      const shown = JSON.stringify(address.replace(/\/\/[^/@]*@/, '//…@'));
      throw new StepFailed(
        `NATS_URL holds ${shown}, which is no address of a NATS server such as nats://localhost:4222.`,
      );
    }
  }
  return value;
}

/** @param {string} address */
function isAddress(address) {
  const text = address.includes('://') ? address : `nats://${address}`;
  if (/\s/.test(text) || !URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return schemes.includes(protocol) && hostname !== '';
}
