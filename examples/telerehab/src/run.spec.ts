import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startNatsServer } from '@terabus/testing';
import { expect } from 'chai';
import { afterEach, beforeEach, describe, it } from 'mocha';
import { allGone, emptied, killAll, Runner } from './support/runner.js';

describe('the example', function () {
  // Each spec starts up to six processes, on machines that have other things to do.
  this.timeout(60_000);

  let folder: string;
  let runner: Runner | undefined;
  const run = (args: readonly string[], env: NodeJS.ProcessEnv = {}) => {
    runner = new Runner(args, { TERABUS_TMP: folder, ...env });
    return runner;
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'terabus-telerehab-'));
  });
  afterEach(async () => {
    runner?.child.kill('SIGKILL');
    await runner?.ended;
    killAll(runner?.pids.values() ?? []);
    runner = undefined;
    rmSync(folder, { recursive: true, force: true });
  });

  const expectWhole = ({ out, err }: Runner) => {
    expect(out).to.contain('What each service handled:').and.contain('✓ nothing fails (0)');
    expect(out).not.to.contain('✗');
    expect(err).to.equal('');
  };

  it('--once --memory plays one session in one process, and everything expected happens', async () => {
    const once = run(['--once', '--memory']);
    expect(await once.ended).to.equal(0);
    expectWhole(once);
    expect(once.pids.size).to.equal(0);
  });

  it('--once plays it in processes of their own, on a server that ends with them', async () => {
    const once = run(['--once']);
    expect(await once.ended).to.equal(0);
    expectWhole(once);
    expect([...once.pids.keys()]).to.have.members([
      'nats-server',
      'logger',
      'user-manager',
      'session-manager',
      'simulator',
    ]);
    await allGone(once.pids.values());
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  it('--once on the server of NATS_URL: two runs side by side don’t see each other', async () => {
    await using server = await startNatsServer();
    const others = new Runner(['--once'], { NATS_URL: server.url });
    const once = run(['--once'], { NATS_URL: server.url });
    expect(await Promise.all([once.ended, others.ended])).to.deep.equal([0, 0]);
    expectWhole(once);
    expectWhole(others);
    expect(once.pids.has('nats-server')).to.equal(false);
  });

  it('--once names what did not happen', async () => {
    // On this server nobody may speak in the rooms of sessions: no room is ever ready.
    await using server = await startNatsServer({
      configuration:
        'authorization { default_permissions { publish: { deny: ["@spec.webrtc.>"] } }, users: [{ user: a, password: b }] }',
    });
    const url = server.url.replace('//', '//a:b@');
    const once = run(['--once'], { NATS_URL: url, TERABUS_NAMESPACE: 'spec' });
    expect(await once.ended).to.equal(1);
    expect(once.out).to.match(
      /the scenario broke off: the NATS server does not let this user publish to "@spec\.webrtc\./,
    );
    expect(once.out).to.contain('✓ a session is started (1)').and.contain('✗ two hear of the end (0 instead of 2)');
  });

  it('without --once it goes on until Ctrl-C, and leaves nothing behind', async () => {
    const forever = run([]);
    await forever.says('CONNECTED');
    forever.child.kill('SIGINT');
    expect(await forever.ended).to.equal(0);
    expect(forever.err).to.equal('');
    await allGone(forever.pids.values());
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  it('in memory too', async () => {
    const forever = run(['--memory']);
    await forever.says('CONNECTED');
    forever.child.kill('SIGTERM');
    expect(await forever.ended).to.equal(0);
  });

  it('a part that is killed is named, and the others are ended', async () => {
    const broken = run([]);
    await broken.says('CONNECTED');
    process.kill(broken.pids.get('user-manager') as number, 'SIGKILL');
    expect(await broken.ended).to.equal(1);
    expect(broken.out).to.contain('user-manager ended by SIGKILL: ending the others.');
    await allGone(broken.pids.values());
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  it('a part that is asked to end drains and ends with 0, and is named too', async () => {
    const broken = run([]);
    await broken.says('JoinSessionEvent');
    process.kill(broken.pids.get('user-manager') as number, 'SIGTERM');
    expect(await broken.ended).to.equal(1);
    expect(broken.out).to.contain('user-manager ended by code 0: ending the others.');
    await allGone(broken.pids.values());
  });

  it('a server that is killed is named, and all parts are ended', async () => {
    const broken = run([]);
    await broken.says('CONNECTED');
    process.kill(broken.pids.get('nats-server') as number, 'SIGKILL');
    expect(await broken.ended).to.equal(1);
    expect(broken.out).to.contain('the nats-server ended: ending the others.');
    await allGone(broken.pids.values());
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  it('when it is killed itself, nothing goes on', async () => {
    const killed = run([]);
    await killed.says('CONNECTED');
    const pids = [...killed.pids.values()];
    expect(pids).to.have.length(5);
    killed.child.kill('SIGKILL');
    expect(await killed.ended).to.equal('SIGKILL');
    await allGone(pids);
    await emptied(folder);
  });

  it('a server that is not there is a sentence and the code 1', async () => {
    const alone = run(['--once'], { NATS_URL: 'nats://127.0.0.1:1', TERABUS_CONNECT_TIMEOUT_MS: '100' });
    expect(await alone.ended).to.equal(1);
    expect(alone.err)
      .to.contain('The example could not start')
      .and.match(/no NATS server answered/i);
  });

  it('arguments that nobody knows are a sentence and the code 2', async () => {
    const unknown = run(['--once', '--twice']);
    expect(await unknown.ended).to.equal(2);
    expect(unknown.err).to.equal('There is no argument "--twice": try --once, --memory or --help.\n');
    expect(unknown.out).to.equal('');
  });

  it('--help says what there is', async () => {
    const help = run(['--help']);
    expect(await help.ended).to.equal(0);
    expect(help.out).to.contain('--memory').and.contain('NATS_URL');
  });
});
