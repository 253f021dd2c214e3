// A program that starts a server, says what it started, and then does nothing until it is killed.
import { startNatsServer } from '@terabus/testing';

const server = await startNatsServer({ jetstream: true });
if (process.argv.includes('restart')) await server.restart();
const { port, pid, directory } = server;
console.log(JSON.stringify({ port, pid, directory }));
setInterval(() => {}, 60_000);
