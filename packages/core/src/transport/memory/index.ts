// The bus in one process, and time that a test moves: nothing to install, nothing to wait for.
export { VirtualClock } from './virtual-clock.js';
