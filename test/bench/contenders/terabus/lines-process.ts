// Terabus with all of that, and a line of log for each message.
import { serveContender } from '../../process/serve-contender.js';
import { terabus } from './contender.js';
import { full } from './flavor.js';

serveContender(terabus(full('info')));
