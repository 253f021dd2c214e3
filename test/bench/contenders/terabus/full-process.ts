// Terabus with validation, logging, timeouts and keyed concurrency.
import { serveContender } from '../../process/serve-contender.js';
import { terabus } from './contender.js';
import { full } from './flavor.js';

serveContender(terabus(full('debug')));
