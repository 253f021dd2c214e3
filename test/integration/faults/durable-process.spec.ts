import { setTimeout as pause } from 'node:timers/promises';
import { openBus, openDeadLetters, planStreams } from '@terabus/core';
import type { Transport } from '@terabus/core/transport';
import { DeviceEvent } from '@terabus/messages';
import { connectNats, provision } from '@terabus/nats';
import { type NatsServer, startNatsServer } from '@terabus/testing';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { Child } from '../../soak/run/child.js';
import { storedIn, unfinished } from '../../soak/run/stored.js';
import {
  type DurableProgramMethods,
  done,
  runs,
  Steps,
  StepsService,
  steps,
  Tasks,
  TasksService,
  tasks,
} from '../support/durable-program.js';
import { eventually } from '../support/eventually.js';

const program = new URL('../support/durable-program.js', import.meta.url);

describe('a process that handles what is stored', function () {
  this.timeout(40_000);
  const plan = planStreams([TasksService, StepsService]);
  let server: NatsServer;
  let transport: Transport;
  let children: Child<DurableProgramMethods>[];
  beforeEach(async () => {
    children = [];
    server = await startNatsServer({ jetstream: true });
    await provision(plan, { servers: server.url });
    transport = await connectNats({ servers: server.url });
  });
  afterEach(async () => {
    await Promise.all(children.map((child) => child.kill()));
    await transport.close();
    await server.stop();
  });

  const start = async (service: 'tasks' | 'steps') => {
    const child = await Child.start<DurableProgramMethods>(program);
    children.push(child);
    // A message may end it before it has started.
    await child.call('start', { url: server.url, service }).catch(() => undefined);
    return child;
  };
  const bus = () => openBus({ transport, source: 'service.Test' });
  const settled = () => eventually(async () => void expect(await unfinished(transport, plan)).to.equal(0));
  const handled = async () => {
    const names: string[] = [];
    for await (const { bytes } of storedIn(transport, done.name)) names.push(Buffer.from(bytes).toString());
    return names;
  };
  const numbered = (prefix: string, count: number) => Array.from({ length: count }, (_, n) => `${prefix}${n + 1}`);

  it('and is ended by a message again and again gives up that one, and none of the good ones beside it', async () => {
    const good = numbered('good ', 200);
    await Promise.all([...good.slice(0, 100), 'kills', ...good.slice(100)].map((name) => bus().publish(tasks, name)));
    const letters = openDeadLetters({ transport, contract: Tasks });
    let deaths = 0;
    for (let given: unknown[] = []; given.length === 0; ) {
      const child = await start('tasks');
      const dead = child.ended.then(() => {
        deaths += 1;
        return true;
      });
      const isGivenUp = eventually(async () => {
        given = (await letters.list()).letters;
        expect(given).to.have.length(1);
      }).then(
        () => false,
        () => false,
      );
      await Promise.race([dead, isGivenUp]);
    }
    await settled();
    expect((await handled()).toSorted()).to.deep.equal(good.toSorted());
    const { letters: all } = await letters.list();
    expect(all.map(({ reason, bytes }) => [reason, Buffer.from(bytes).toString()])).to.deep.equal([
      ['TERABUS_PROCESS_ENDED', 'kills'],
    ]);
    // Three to be suspected, and two while nothing else ran.
    expect(deaths).to.be.within(3, 6);
  });

  it('in the order of its keys keeps it over failures, a hand-over under load, and the death of the reader', async () => {
    const keys = ['a', 'b', 'c'];
    let published = 0;
    let enough = false;
    await start('steps');
    const publishing = (async () => {
      while (!enough) {
        published += 1;
        for (const key of keys) await bus().publish(steps, DeviceEvent.create({ deviceName: `${key}-${published}` }));
        await pause(5);
      }
    })();
    const count = async () => (await transport.streams.streamState(done.name)).messages;
    const goesOn = async () => {
      const before = await count();
      await eventually(async () => void expect(await count()).to.be.above(before + 50));
    };
    await goesOn();
    // It takes over from the first one, which then stands by.
    const second = await start('steps');
    await goesOn();
    await second.kill();
    await goesOn();
    enough = true;
    await publishing;
    await settled();
    const order = await handled();
    for (const key of keys) {
      expect(order.filter((name) => name.startsWith(key))).to.deep.equal(numbered(`${key}-`, published));
    }
    expect((await openDeadLetters({ transport, contract: Steps }).list()).letters).to.deep.equal([]);
  });

  it('and drains under load hands back what has not begun: nothing runs twice for it', async () => {
    const ran: string[] = [];
    await transport.subscribe(runs.name, {}, ({ bytes }) => ran.push(Buffer.from(bytes).toString()));
    const names = numbered('task ', 600);
    const publishing = Promise.all(names.map((name) => bus().publish(tasks, name)));
    const first = await start('tasks');
    await eventually(() => void expect(ran.length).to.be.above(50));
    const second = await start('tasks');
    first.signal('SIGTERM');
    await first.ended;
    expect(first.process.exitCode).to.equal(0);
    await publishing;
    await settled();
    expect(second.process.exitCode).to.equal(null);
    expect(ran.toSorted()).to.deep.equal(names.toSorted());
    expect((await handled()).toSorted()).to.deep.equal(names.toSorted());
  });
});
