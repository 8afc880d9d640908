import { beforeAll, describe, expect, it } from 'vitest';
import { pipelineJob } from '../../machines/index.ts';
import { JobNotFound } from '../../src/errors.ts';
import { commitLine, exportLog } from '../../src/jobs/exportLog.ts';
import { verifyExport } from '../../src/jobs/verifyExport.ts';
import type { VerifyReport } from '../../src/jobs/verifyReport.ts';
import { createRegistry } from '../../src/machine/registry.ts';
import { createMemoryStore } from '../../src/store/memory/memoryStore.ts';
import { meter } from './meter.ts';
import { openManager, populate, type VerifiedManager } from './population.ts';
import { seededRandom } from './seededRandom.ts';
import { tamperings, type OpenCommit } from './tamper.ts';

const registry = createRegistry([pipelineJob, meter], new Set(['clearArchive', 'sendReady']));

async function* asStream<Item>(items: readonly Item[]): AsyncGenerator<Item> {
  yield* items;
}

async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const collected: Item[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}

const check = (lines: readonly string[]): Promise<VerifyReport> =>
  verifyExport(asStream(lines), registry);

const readCommit = (line: string): OpenCommit => {
  const commit = JSON.parse(line) as OpenCommit & { at: string };
  return { ...commit, at: new Date(commit.at) };
};

/** `LONG=1`: the reliability campaign's count. */
const tampered = process.env['LONG'] ? 10_000 : 240;

describe('an exported log', () => {
  let manager: VerifiedManager;
  let lines: string[];
  let head: string;

  beforeAll(async () => {
    manager = await openManager({ store: createMemoryStore() });
    await populate(manager, 1);
    lines = await collect(manager.export());
    head = lines[0] ?? '';
  });

  /** The lines of a changed log, with an end that fits them: as somebody would write them who knows how. */
  const forge = (commits: readonly OpenCommit[]): string[] => {
    const entries = commits.reduce((sum, commit) => sum + commit.entries.length, 0);
    const end = { commits: commits.length, end: true, entries, removing: [] };
    return [head, ...commits.map(commitLine), JSON.stringify(end)];
  };
  const readCommits = (): OpenCommit[] => lines.slice(1, -1).map(readCommit);

  it('begins with its format and ends with its counts', () => {
    const commits = readCommits();
    const entries = commits.reduce((sum, commit) => sum + commit.entries.length, 0);
    expect(lines[0]).toBe('{"format":"jobwright.log","version":1}');
    expect(lines.at(-1)).toBe(
      `{"commits":${commits.length},"end":true,"entries":${entries},"removing":[]}`,
    );
  });

  it('holds without any database', async () => {
    const { entries } = await manager.verify();
    expect(await check(lines)).toEqual({
      ok: true,
      jobs: 11,
      tombstones: 2,
      entries,
      unknownMachines: [],
      problems: [],
      problemCount: 0,
      parked: [],
      parkedCount: 0,
    });
    expect((await check(forge(readCommits()))).ok).toBe(true);
  });

  it('may be that of one job', async () => {
    const job = await manager.setup('meter', { data: { unit: 'bar' } });
    const one = await collect(manager.export({ job: job.id }));
    expect(one).toHaveLength(3);
    expect(await check(one)).toMatchObject({ ok: true, jobs: 1, entries: 1 });
    await expect(collect(manager.export({ job: 'nobody' }))).rejects.toThrow(JobNotFound);
  });

  it(
    `shows every one of ${tampered} random changes by somebody who corrects the counts`,
    { timeout: 1_200_000 },
    async () => {
      const kinds = Object.keys(tamperings);
      const missed: string[] = [];
      let done = 0;
      for (let seed = 1; done < tampered; seed += 1) {
        const random = seededRandom(seed);
        const kind = kinds[seed % kinds.length] ?? '';
        const commits = readCommits();
        if (!tamperings[kind]?.(commits, random)) continue;
        done += 1;
        if ((await check(forge(commits))).ok) missed.push(`${kind} (seed ${seed})`);
      }
      expect(missed).toEqual([]);
    },
  );

  it.each([
    ['is empty', () => []],
    ['has no head', () => lines.slice(1)],
    ['has the head of another version', () => [head.replace('1}', '2}'), ...lines.slice(1)]],
    ['lacks its last line', () => lines.slice(0, -1)],
    ['ends within a line', () => [...lines.slice(0, 5), lines[5]?.slice(0, 40) ?? '']],
    ['lost its last commit', () => [...lines.slice(0, -2), lines.at(-1) ?? '']],
    ['goes on after its end', () => [...lines, lines[1] ?? '']],
    ['has a line twice', () => [...lines.slice(0, 3), ...lines.slice(2)]],
    [
      'has its lines out of order',
      () => [head, ...lines.slice(1, -1).reverse(), lines.at(-1) ?? ''],
    ],
    [
      'says a thing twice in one line',
      () =>
        lines.map((line, index) =>
          index === 2 ? line.replace('{', '{"at":"2020-01-01T00:00:00.000Z",') : line,
        ),
    ],
    [
      'has blanks where none are written',
      () => lines.map((line, index) => (index === 2 ? line.replace(':', ': ') : line)),
    ],
    ['is not a log at all', () => ['one', 'two']],
  ])('is refused where it %s', async (_, change) => {
    const { ok, problems } = await check(change());
    expect(ok).toBe(false);
    expect(problems.length).toBeGreaterThan(0);
  });

  it('cannot tell from a file alone that a live job has lost its newest entries', async () => {
    const commits = readCommits();
    const last = commits.findLastIndex(
      ({ job, seq }, index) => seq > 1 && commits[index + 1]?.job !== job,
    );
    const { operation } = commits[last]?.entries.at(-1) ?? {};
    expect(operation).toBeUndefined();
    commits.splice(last, 1);
    expect((await check(forge(commits))).ok).toBe(true);
    expect((await check([head, ...commits.map(commitLine), lines.at(-1) ?? ''])).ok).toBe(false);
  });

  it('says which deletions were under way when it was made', async () => {
    const { store } = manager.engine;
    const job = await manager.setup('meter', { data: { unit: 'lux' } });
    await job.read({ value: 1 }).read({ value: 2 });
    const before = await store.readCommits(job.id, 1);
    const { token } = manager.issueToken({ kind: 'admin', subject: 'ada' });
    await job.delete({ token, reason: 'done' });
    const tombstone = await store.readHead(job.id);
    // As the store shows it while the log is being read: the deletion catches up in between.
    const reading: Parameters<typeof exportLog>[0] = {
      scanCommits: () => asStream([...before, ...(tombstone ? [tombstone] : [])]),
      readCommits: (...range) => store.readCommits(...range),
      pendingEffects: (id) => store.pendingEffects(id),
    };
    const under = await collect(exportLog(reading));
    expect(under.at(-1)).toContain(`"removing":["${job.id}"]`);
    expect((await check(under)).ok).toBe(true);
    const claimed = under.with(-1, under.at(-1)?.replace(job.id, 'x') ?? '');
    expect((await check(claimed)).problems).toEqual([
      {
        job: job.id,
        seq: 1,
        check: 'tombstone',
        message: 'it has its data, but the job was deleted',
      },
    ]);
  });
});
