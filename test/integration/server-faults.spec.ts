import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { startNatsServer } from '@terabus/testing';
import { expect } from 'chai';
import { describe, it } from 'mocha';
import { eventually } from './support/eventually.js';
import { rawClient } from './support/raw-client.js';

const reasonOf = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: Error) => error.message,
  );

const isAlive = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** Asks JetStream and resolves with what it says. */
async function askJetStream(port: number, api: string, question = ''): Promise<string> {
  const client = await rawClient(port);
  await client.send('SUB answers 1\r\n');
  // Its answer may come after the PONG, so ask until it is there.
  let answer = await client.publish(`$JS.API.${api}`, question, { replyTo: 'answers' });
  while (!answer.includes('"type"')) answer += await client.send('');
  client.close();
  return answer;
}

describe('a nats-server that is restarted', () => {
  it('has its port, its store and its log again, as often as one likes', async () => {
    await using server = await startNatsServer({ jetstream: true });
    const { port, directory } = server;
    const pids = [server.pid];
    await askJetStream(port, 'STREAM.CREATE.S', '{"name":"S","subjects":["s"],"storage":"file"}');

    for (let i = 0; i < 3; i += 1) {
      await server.kill();
      await server.restart();
      pids.push(server.pid);
    }

    expect(await askJetStream(port, 'STREAM.NAMES')).to.contain('"streams":["S"]');
    expect([server.port, server.url, server.directory]).to.deep.equal([port, `nats://127.0.0.1:${port}`, directory]);
    expect(pids.map(isAlive)).to.deep.equal([false, false, false, true]);
    expect(server.log().match(/Server is ready/g)).to.have.length(4);
  });

  it('is ended first when it still runs', async () => {
    await using server = await startNatsServer();
    const { pid, exited } = server;
    await server.restart();
    await exited;
    expect([isAlive(pid), isAlive(server.pid)]).to.deep.equal([false, true]);
  });

  it('takes one turn after the other', async () => {
    await using server = await startNatsServer();
    await Promise.all([server.restart(), server.restart()]);
    expect(server.log().match(/Server is ready/g)).to.have.length(3);
    expect(isAlive(server.pid)).to.equal(true);
  });

  it('waits for its port when somebody has taken it', async () => {
    await using server = await startNatsServer();
    await server.kill();
    const squatter = createServer().listen(server.port, '127.0.0.1');
    await once(squatter, 'listening');
    const restarted = server.restart();
    await eventually(() => {
      expect(server.log()).to.contain('address already in use');
    });

    squatter.close();
    await restarted;
    expect(isAlive(server.pid)).to.equal(true);
  });

  it('has an end of its own', async () => {
    await using server = await startNatsServer();
    const first = server.exited;
    await server.kill();
    await first;
    await server.restart();

    let ended = false;
    const second = server.exited.then(() => {
      ended = true;
    });
    (await rawClient(server.port)).close();
    expect(ended).to.equal(false);
    await server.kill();
    await second;
  });

  it('leaves nothing behind when it is stopped', async () => {
    const server = await startNatsServer();
    await server.kill();
    const restarted = reasonOf(server.restart());
    await server.stop();

    expect(await restarted).to.contain('was stopped');
    expect(isAlive(server.pid)).to.equal(false);
    expect(existsSync(server.directory)).to.equal(false);
    expect(await reasonOf(server.restart())).to.contain('was stopped');
  });
});

describe('a nats-server that is paused', () => {
  it('answers nobody until it is resumed', async () => {
    await using server = await startNatsServer();
    await using other = await startNatsServer();
    const client = await rawClient(server.port);
    const witness = await rawClient(other.port);
    await server.pause();
    let answered = false;
    const answer = client.send('').then(() => {
      answered = true;
    });
    for (let i = 0; i < 10; i += 1) await witness.send('');
    expect(answered).to.equal(false);

    server.resume();
    await answer;
    client.close();
    witness.close();
  });

  it('can be killed, restarted and stopped', async () => {
    const server = await startNatsServer();
    await server.pause();
    await server.kill();
    await server.restart();
    await server.pause();
    await server.stop();
    expect(isAlive(server.pid)).to.equal(false);
  });

  it('must run', async () => {
    await using server = await startNatsServer();
    await server.kill();
    expect(await reasonOf(server.pause())).to.contain('restart() starts it again');
    expect(() => server.resume()).to.throw('restart() starts it again');
    expect(await reasonOf(server.reload(''))).to.contain('restart() starts it again');
  });
});

describe('a nats-server that reads its configuration again', () => {
  it('has it when reload resolves, and after a restart', async () => {
    await using server = await startNatsServer({ configuration: 'max_payload: 1000' });
    await server.reload('max_payload: 500');
    expect(server.log()).to.contain('Reloaded: max_payload = 500');
    await server.restart();
    expect(readFileSync(`${server.directory}/server.conf`, 'utf8')).to.equal('max_payload: 500');
  });

  it('goes on with what it had when the text is bad', async () => {
    await using server = await startNatsServer({ configuration: 'max_payload: 1000' });
    expect(await reasonOf(server.reload('no_such_setting: 1'))).to.match(/refused.*no_such_setting/);
    expect(readFileSync(`${server.directory}/server.conf`, 'utf8')).to.equal('max_payload: 1000');
    await server.reload('max_payload: 2000');
    await server.restart();
  });
});

describe('a nats-server in lame duck mode', () => {
  it('ends by itself', async () => {
    // Somebody may still be connected, if only who looked whether it is ready.
    await using server = await startNatsServer({ configuration: 'lame_duck_grace_period: "10ms"' });
    await server.lameDuck();
    await server.exited;
    expect(isAlive(server.pid)).to.equal(false);
    await server.restart();
    expect(isAlive(server.pid)).to.equal(true);
  });
});
