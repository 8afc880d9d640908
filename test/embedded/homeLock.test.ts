import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { EmbeddedMongoError } from '../../src/errors.ts';
import { withHomeLock } from '../../src/embedded/homeLock.ts';
import { identifyProcess } from '../../src/embedded/processIdentity.ts';

let folder: string;
let lock: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'jobwright-lock-'));
  lock = join(folder, 'lock');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('the lock of a home', () => {
  it('lets one caller in at a time, also within one process', async () => {
    let inside = 0;
    const most: number[] = [];
    const work = async (): Promise<void> => {
      inside += 1;
      most.push(inside);
      await new Promise((resolve) => setImmediate(resolve));
      inside -= 1;
    };

    await Promise.all(Array.from({ length: 8 }, () => withHomeLock(lock, work)));

    expect(most).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ['of a process that is gone', { claim: 'x', pid: 2 ** 22 + 1, started: 'long ago' }],
    ['of a pid that is another process now', { claim: 'x', pid: process.pid, started: 'before' }],
    ['that is no lock at all', 'half a li'],
  ])('takes over a lock %s', async (_which, content) => {
    writeFileSync(lock, JSON.stringify(content));

    expect(await withHomeLock(lock, async () => 'in')).toBe('in');
    expect(readdirSync(folder)).toEqual([]);
  });

  it('clears away what a killed caller left while it waited', async () => {
    writeFileSync(`${lock}.x`, JSON.stringify({ claim: 'x', pid: 2 ** 22 + 1, started: 'x' }));

    await withHomeLock(lock, async () => undefined);

    expect(readdirSync(folder)).toEqual([]);
  });

  it('is given back when the work fails', async () => {
    await expect(withHomeLock(lock, () => Promise.reject(new Error('no')))).rejects.toThrow('no');

    expect(await withHomeLock(lock, async () => 'in')).toBe('in');
  });

  it('tells who holds it, and gives up at its limit', async () => {
    const holder = { claim: 'x', ...identifyProcess(process.pid) };
    writeFileSync(lock, JSON.stringify(holder));
    const waits: number[] = [];
    const options = { limitMilliseconds: 0, onWait: ({ pid }: { pid: number }) => waits.push(pid) };

    await expect(withHomeLock(lock, async () => 'in', options)).rejects.toThrow(EmbeddedMongoError);
    expect(waits).toEqual([process.pid]);
    expect(readdirSync(folder)).toEqual(['lock']);
  });

  it('stops waiting when aborted', async () => {
    writeFileSync(lock, JSON.stringify({ claim: 'x', ...identifyProcess(process.pid) }));
    const abort = new AbortController();
    const options = { signal: abort.signal, onWait: () => abort.abort() };

    await expect(withHomeLock(lock, async () => 'in', options)).rejects.toThrow('aborted');
  });
});
