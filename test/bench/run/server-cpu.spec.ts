import { expect } from 'chai';
import { describe, it } from 'mocha';
import { cpuOf } from './server-cpu.js';

describe('the CPU time of another process', () => {
  it('is what the kernel counts, where it tells', () => {
    const before = process.cpuUsage();
    const known = cpuOf(process.pid);
    if (process.platform !== 'linux') {
      expect(known).to.equal(undefined);
      return;
    }
    const { user, system } = process.cpuUsage();
    // The kernel counts in steps of 10 ms.
    expect(known).to.be.within(before.user + before.system - 20_000, user + system + 20_000);
  });
});
