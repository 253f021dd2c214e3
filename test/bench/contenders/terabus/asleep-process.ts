// Terabus, as a service is that says nothing, and whose event loop does not turn while it waits for an answer.
import { serveContender } from '../../process/serve-contender.js';
import { terabus } from './contender.js';
import { asleep } from './flavor.js';

serveContender(terabus(asleep()));
