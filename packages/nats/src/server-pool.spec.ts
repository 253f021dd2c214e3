import { expect } from 'chai';
import { describe, it } from 'mocha';
import { type PoolServer, ServerPool } from './server-pool.js';
import { parseServerUrl, type ServerUrl } from './server-url.js';

const pool = (...urls: string[]) => new ServerPool(urls.map((url) => parseServerUrl(url) as ServerUrl));

const round = (servers: ServerPool) =>
  Array.from({ length: servers.size }, () => servers.next()).map(
    ({ host, port, tlsName }) => `${host}:${port} ${tlsName}`,
  );

describe('a pool of servers', () => {
  it('gives each in its turn', () => {
    const servers = pool('a:1', 'tls://u:p@b:2', '[::1]:3');
    expect(round(servers)).to.have.members(['a:1 a', 'b:2 b', '[::1]:3 [::1]']);
    expect(round(servers)).to.have.members(['a:1 a', 'b:2 b', '[::1]:3 [::1]']);
  });

  it('takes the members of a cluster as the last one names them, and believes nothing else', () => {
    const servers = pool('a:1');
    const from = servers.next() as PoolServer;
    servers.learn(['10.0.0.1:4', '10.0.0.2:4'], from);
    servers.learn(['10.0.0.2:4', 'a:1', 'no address', '', ...Array(1_000).fill('x y')], from);
    expect(round(servers)).to.have.members(['a:1 a', '10.0.0.2:4 a']);
  });

  it('asks those that an address has named for certificates of their own', () => {
    for (const address of ['10.0.0.1', '[::1]']) {
      const servers = pool(`${address}:1`);
      servers.learn(['10.0.0.2:4'], servers.next() as PoolServer);
      expect(round(servers)).to.have.members([`${address}:1 ${address}`, '10.0.0.2:4 10.0.0.2']);
    }
  });
});
