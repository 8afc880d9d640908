import { randomBytes } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { InvalidData, OutputNotFound, OutputTooLarge } from 'jobwright';
import { describe, expect, it } from 'vitest';
import { dropOutputs } from '../../src/effects/dropOutputs.ts';
import { canonicalJson } from '../../src/machine/canonicalJson.ts';
import { outputsOf, packOutputs, unpackOutput } from '../../src/records/outputs.ts';
import { sweepOutputs } from '../../src/records/sweepOutputs.ts';
import { storeKinds, useRecordWorld } from './recordWorld.ts';

/** A text that hardly gets smaller, of so many characters. */
const noise = (length: number): string =>
  randomBytes(Math.ceil((length * 3) / 4))
    .toString('base64')
    .slice(0, length);

const hour = 3_600_000;

describe.each(storeKinds)('outputs on %s', (kind) => {
  const world = useRecordWorld(kind);
  const engine = () => world.manager.engine;
  const pack = (given: Parameters<typeof packOutputs>[2], job = 'job') =>
    packOutputs(engine(), job, given);
  const loose = () => engine().store.looseOutputs(new Date(Date.now() + hour), 1_000);

  it('are nothing where nothing is given', async () => {
    expect(await pack({})).toBeUndefined();
    expect(await pack({ stdout: undefined, result: undefined })).toBeUndefined();
  });

  it('stand in the entry as they are where they are small', async () => {
    expect(await pack({ stdout: 'done\n', stderr: '', result: { b: 1, a: null } })).toEqual({
      stdout: { bytes: 5, encoding: 'plain', text: 'done\n' },
      stderr: { bytes: 0, encoding: 'plain', text: '' },
      result: { bytes: 16, encoding: 'plain', text: '{"a":null,"b":1}' },
    });
  });

  it('are compressed into the entry where they are larger', async () => {
    const stdout = 'iteration converged\n'.repeat(50_000);
    const packed = await pack({ stdout });
    expect(packed?.stdout).toMatchObject({ bytes: 1_000_000, encoding: 'gzip' });
    expect(packed?.stdout?.data?.length).toBeLessThan(8_000);
    expect(packed?.stdout).not.toHaveProperty('file');
  });

  it('stay as they are where compressing and base64 make them no smaller', async () => {
    const stdout = noise(700);
    expect(await pack({ stdout })).toEqual({
      stdout: { bytes: 700, encoding: 'plain', text: stdout },
    });
  });

  it('are stored beside the log where they are large, before anybody names them', async () => {
    const result = noise(200_000);
    const packed = await pack({ result }, 'a-job');
    const { file, sha256, ...rest } = packed?.result ?? {};
    expect(rest).toEqual({ bytes: 200_002, encoding: 'gzip' });
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    expect(await loose()).toContainEqual(
      expect.objectContaining({ id: file, job: 'a-job' }) as unknown,
    );
    const text = await unpackOutput(engine(), 'a-job', packed?.result ?? fail());
    expect(JSON.parse(text.toString())).toBe(result);
  });

  it('leave an entry well below the limit of its data, whatever they are', async () => {
    for (const length of [40_000, 64_000, 65_000, 66_000, 90_000, 400_000]) {
      const packed = await pack({
        stdout: noise(length),
        stderr: noise(length),
        result: noise(length),
      });
      expect(JSON.stringify(packed).length).toBeLessThan(200_000);
    }
  });

  it('come back as they were, whatever text or value', async () => {
    const text = fc.string({ unit: 'binary', maxLength: 2_000 });
    const limits = { depth: 99, keys: 99_999, bytes: 999_999, unsignedZero: true };
    const json = fc.jsonValue().filter((value) => canonicalJson(value, limits).ok);
    await fc.assert(
      fc.asyncProperty(text, json, async (stdout, result) => {
        const packed = await pack({ stdout, result });
        const read = async (name: 'stdout' | 'result') =>
          (await unpackOutput(engine(), 'job', packed?.[name] ?? fail())).toString();
        expect(await read('stdout')).toBe(stdout.toWellFormed());
        expect(JSON.parse(await read('result'))).toEqual(withoutMinusZero(result));
      }),
      { numRuns: 60 },
    );
  });

  it.each([
    ['a cycle', () => Object.assign({}, { own: cycle })],
    ['no JSON', () => ({ value: NaN })],
    ['an instance', () => new Map()],
    ['a lone surrogate', () => '\ud800'],
  ])('refuse %s as a result, and store nothing', async (_what, make) => {
    const before = await loose();
    const given = { stdout: noise(300_000), result: make() as unknown };
    await expect(pack(given)).rejects.toThrow(InvalidData);
    expect(await loose()).toEqual(before);
  });

  it('take minus zero as 0: numbers of a computation have it', async () => {
    const packed = await pack({ result: { gradient: [-0, -0.5] } });
    expect(packed?.result?.text).toBe('{"gradient":[0,-0.5]}');
  });

  it('refuse as a text what is none', async () => {
    await expect(pack({ stdout: 5 as unknown as string })).rejects.toThrow(InvalidData);
  });

  it('refuse what is above the limit, by bytes, and store nothing', async () => {
    const small = await world.open({ limits: { output: 1_000 } });
    const before = await loose();
    const attempt = (stdout: string) =>
      packOutputs(small.engine, 'job', { stderr: 'fine', stdout });
    await expect(attempt('é'.repeat(501))).rejects.toThrow(OutputTooLarge);
    await expect(attempt('x'.repeat(1_001))).rejects.toMatchObject({
      output: 'stdout',
      bytes: 1_001,
      limit: 1_000,
    });
    expect(await attempt('é'.repeat(500))).toHaveProperty('stdout.bytes', 1_000);
    expect(await loose()).toEqual(before);
  });

  it('never unfold to more than they are said to be', async () => {
    const data = gzipSync(Buffer.alloc(5_000_000)).toString('base64');
    const bomb = { bytes: 100, encoding: 'gzip', data } as const;
    await expect(unpackOutput(engine(), 'job', bomb)).rejects.toThrow(OutputNotFound);
    const short = { bytes: 6_000_000, encoding: 'gzip', data } as const;
    await expect(unpackOutput(engine(), 'job', short)).rejects.toThrow(OutputNotFound);
    expect(
      outputsOf({ outputs: { stdout: { ...bomb, bytes: 1e12 }, result: 7, other: bomb } }),
    ).toEqual({});
  });

  it('are given to nobody by the name of another job, and not where they were changed', async () => {
    const packed = (await pack({ stdout: noise(200_000) }, 'own'))?.stdout ?? fail();
    await expect(unpackOutput(engine(), 'other', packed)).rejects.toThrow(OutputNotFound);
    const forged = { ...packed, sha256: 'a'.repeat(64) };
    await expect(unpackOutput(engine(), 'own', forged)).rejects.toThrow(OutputNotFound);
    expect(await unpackOutput(engine(), 'own', packed)).toHaveLength(200_000);
  });

  it('are dropped an hour later where no entry names them, and kept where one does', async () => {
    const job = await world.newRecord();
    const [named, unnamed] = [noise(200_000), noise(200_000)];
    await job.claim({ worker: 'willow' });
    const outputs = await pack({ stdout: named }, job.id);
    await job.finish({ epoch: 1, ...(outputs && { outputs }) });
    const left = (await pack({ stdout: unnamed }, job.id))?.stdout ?? fail();
    const gone = (await pack({ stdout: unnamed }, 'no-such-job'))?.stdout ?? fail();
    const { store } = engine();
    expect(await sweepOutputs({ store, now: () => Date.now() + hour - 60_000 })).toBe(0);
    expect(await unpackOutput(engine(), job.id, left)).toHaveLength(200_000);
    expect(await sweepOutputs({ store, now: () => Date.now() + hour + 1 })).toBeGreaterThanOrEqual(
      2,
    );
    expect(await loose()).toEqual([]);
    await expect(unpackOutput(engine(), job.id, left)).rejects.toThrow(OutputNotFound);
    await expect(unpackOutput(engine(), 'no-such-job', gone)).rejects.toThrow(OutputNotFound);
    expect(await world.manager.output(job.id, { name: 'stdout' })).toBe(named);
    expect(await sweepOutputs({ store, now: () => Date.now() + 2 * hour })).toBe(0);
  });

  it('end with their job, and a late repeat of that spares its next life', async () => {
    const input = { data: { input: noise(10) } };
    const token = world.manager.issueToken({ kind: 'admin', subject: 'ada' }).token;
    const live = async (): Promise<string> => {
      const job = await world.manager.setup('record', input);
      const outputs = await pack({ result: noise(200_000) }, job.id);
      await job.claim({ worker: 'willow' }).finish({ ...(outputs && { outputs }) });
      return job.id;
    };
    const id = await live();
    const { entries } = await (await world.manager.job(id)).history();
    const first = outputsOf(entries.at(-1)?.data).result ?? fail();
    await (await world.manager.job(id)).delete({ token, reason: 'no use' });
    await expect(unpackOutput(engine(), id, first)).rejects.toThrow(OutputNotFound);
    expect(await live()).toBe(id);
    await dropOutputs(engine().store, id, 4);
    expect(await world.manager.output(id, { name: 'result' })).toHaveLength(200_000);
    expect(await world.manager.attempts(id)).toMatchObject([{ attempt: 1, epoch: 1 }]);
  });
});

const cycle: Record<string, unknown> = {};
cycle['own'] = cycle;

function fail(): never {
  throw new Error('nothing was packed');
}

/** As JSON of a result has it. */
function withoutMinusZero(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutMinusZero);
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, each]) => [key, withoutMinusZero(each)]),
    );
  }
  return Object.is(value, -0) ? 0 : value;
}
