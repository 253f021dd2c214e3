import { BusError } from '@terabus/messages';
import { expect } from 'chai';
import { beforeEach, describe, it } from 'mocha';
import { pino } from 'pino';
import { Stage } from '../service/stage.spec.js';
import { handlerError, Reporter } from './reporter.js';

describe('a reporter', () => {
  let stage: Stage;
  let reporter: Reporter;
  beforeEach(() => {
    stage = new Stage();
    reporter = new Reporter(stage.logger, stage.clock);
  });
  const report = (who = 'A.b', reason = 'OFF') =>
    reporter.report(who, new BusError(`${who} ${reason}`, { code: 'INTERNAL', reason }), { topic: 't' });
  const lines = () => stage.log.splice(0).map(({ msg, count }) => (count === undefined ? msg : `${msg} (${count})`));

  it('logs the first of a kind at once, then one counted line a second', async () => {
    for (let n = 0; n < 1_000; n++) report();
    expect(lines()).to.deep.equal(['[OFF] A.b OFF']);
    await stage.clock.advance(999);
    expect(lines()).to.deep.equal([]);
    await stage.clock.advance(1);
    expect(lines()).to.deep.equal(['999 more of A.b: OFF (999)']);
    report();
    await stage.clock.advance(1_000);
    expect(lines()).to.deep.equal(['1 more of A.b: OFF (1)']);
  });
  it('goes on when the log can’t be written, and tells how many lines are missing when it can', () => {
    const written: string[] = [];
    let full = true;
    const write = (line: string) => {
      if (full) throw new Error('the disk is full');
      written.push(line);
    };
    reporter = new Reporter(pino({ level: 'debug' }, { write }), stage.clock);
    report('A.b');
    report('A.c');
    full = false;
    report('A.d');
    expect(written.map((line) => JSON.parse(line).unwritten)).to.deep.equal([2]);
    reporter.close();
  });
  it('starts again after a second without', async () => {
    report();
    await stage.clock.advance(1_000);
    report();
    expect(lines()).to.deep.equal(['[OFF] A.b OFF', '[OFF] A.b OFF']);
  });
  it('counts handlers and reasons apart', () => {
    report('A.b');
    report('A.c');
    report('A.b', 'ON');
    expect(lines()).to.have.length(3);
  });
  it('says what is left when it is closed, and leaves no timer', () => {
    report();
    report();
    reporter.close();
    expect(lines()).to.deep.equal(['[OFF] A.b OFF', '1 more of A.b: OFF (1)']);
    expect(stage.clock.pendingTimers).to.equal(0);
  });
});

describe('the error of a handler', () => {
  const place = { service: 'module.M', handler: 'A.b', topic: 't', type: 'T' };
  it('names where it happened, and keeps code, reason and details of a BusError', () => {
    const cause = new BusError('off', { code: 'NOT_FOUND', reason: 'OFF', details: { a: 1 } });
    const error = handlerError(place, cause);
    expect(error.toJSON()).to.deep.include({ code: 'NOT_FOUND', reason: 'OFF', details: { a: 1 } });
    expect(error.rawMessage).to.equal("A.b of module.M failed on T from 't': off");
    expect(error.cause).to.equal(cause);
  });
  it('is TERABUS_HANDLER_FAILED for whatever else is thrown', () => {
    const hostile = new Proxy(
      {},
      {
        get() {
          throw new Error('trap');
        },
      },
    );
    for (const thrown of [undefined, null, 7, 'text', {}, hostile, Object.create(null)]) {
      expect(handlerError(place, thrown).reason).to.equal('TERABUS_HANDLER_FAILED');
    }
  });
});
