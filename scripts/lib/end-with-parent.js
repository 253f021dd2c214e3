/** A mocha module. When `npm test` itself is killed, mocha ends too, and with it the servers that its specs started. */
const parent = process.ppid;

setInterval(() => {
  if (process.ppid !== parent) process.kill(process.pid, 'SIGKILL');
}, 500).unref();
