/** `npm run clean`: removes what the builds left. */
import { clean } from './lib/build.js';

clean();
