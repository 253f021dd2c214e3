// A program that starts a server, says what it started, and then does nothing until it is killed.
import { startNatsServer } from '@terabus/testing';

const { port, pid, directory } = await startNatsServer({ jetstream: true });
console.log(JSON.stringify({ port, pid, directory }));
setInterval(() => {}, 60_000);
