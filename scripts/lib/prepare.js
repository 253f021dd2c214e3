import { build } from './build.js';
import { ensureGenerated } from './generate.js';
import { ensureInstalled } from './install.js';

/** Everything that has to be there before Terabus runs, apart from nats-server. Quick when it is there. */
export async function prepare() {
  await ensureInstalled();
  await ensureGenerated();
  await build();
}
