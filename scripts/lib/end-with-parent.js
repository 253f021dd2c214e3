/**
 * Loaded into what `npm test` and `npm start` run: when those are killed themselves, mocha and the example end too, and
 * with them the servers and services that they started.
 */
const parent = process.ppid;

setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
}, 500).unref();
