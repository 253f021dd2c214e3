// Terabus, as a service is that says nothing.
import { serveContender } from '../../process/serve-contender.js';
import { terabus } from './contender.js';
import { bare } from './flavor.js';

serveContender(terabus(bare()));
