import { describe, expect, it } from 'vitest';
import type { LiveJob } from '../../src/jobs/liveJob.ts';
import { Projector, type Ticket } from '../../src/jobs/projector.ts';
import { createMemoryStore } from '../../src/store/memory/memoryStore.ts';
import type { Commit } from '../../src/store/store.ts';
import { createRegistry } from '../../src/machine/registry.ts';
import { Telemetry } from '../../src/telemetry/emit.ts';
import { buildCommit, buildEntry } from '../store/conformance/builders.ts';

/** A job of which only what the projector looks at matters. */
const job = (id: string, seq: number): LiveJob => ({
  id,
  seq,
  type: 'test',
  typeVersion: '1',
  createdSeq: 1,
  state: 'a',
  snapshot: undefined,
  persisted: { value: 'a', context: {}, status: 'active' },
  timers: [],
  data: '{}',
  setup: {
    pipeline: null,
    links: {},
    session: null,
    agent: null,
    task: null,
    archivePath: '',
    tags: [],
  },
  links: {},
  createdAt: new Date(0),
  updatedAt: new Date(0),
  lastAt: new Date(0),
  lastEvent: 'create',
  generation: 1,
  headHash: '',
  removed: false,
});

/** A commit by which a job goes from one state to another. */
const commit = (nonce: number, from: string | null, to: string | null): Commit =>
  buildCommit({ job: `job ${nonce}`, nonce, process: 'one', entries: [buildEntry({ from, to })] });

/** A projector, and what it asks of its store; the first `failures` writes fail. */
function open(failures = 0) {
  const writes: { jobs: string[]; created: string[] }[] = [];
  let left = failures;
  const store = createMemoryStore();
  /** Nonces of commits that were written after all. */
  const landed = new Set<number>();
  const projector = new Projector({
    processId: 'one',
    store: {
      count: (...given) => store.count(...given),
      readCountMark: (process) => store.readCountMark(process),
      async project(jobs, _effects, created = new Set()) {
        if (left > 0) {
          left -= 1;
          throw new Error('no database');
        }
        writes.push({ jobs: jobs.map(({ id, seq }) => `${id}@${seq}`), created: [...created] });
      },
    },
    telemetry: new Telemetry(),
    registry: createRegistry([]),
    now: () => 0,
    derive: async (id) => ({ job: job(id, 1), effects: [], nonces: landed }),
    onEffects: () => undefined,
  });
  const mark = (id: string, seq: number) => projector.mark({ job: job(id, seq), effects: [] });
  const begin = (...moved: Parameters<typeof commit>) => projector.begin(commit(...moved), 0);
  const write = (ticket: Ticket) =>
    projector.mark({ job: job(`job ${ticket.nonce}`, 1), effects: [] }, ticket);
  return { projector, writes, mark, begin, write, store, landed };
}

describe('the projector', () => {
  it('writes a job once, as its last event left it', async () => {
    const { projector, writes, mark } = open();
    for (const seq of [1, 2, 3]) mark('a', seq);
    mark('b', 7);
    await projector.flush();
    expect(writes).toEqual([{ jobs: ['a@3', 'b@7'], created: ['a'] }]);
  });

  it('says that a job is new only until it is written', async () => {
    const { projector, writes, mark } = open();
    mark('a', 1);
    await projector.flush();
    mark('a', 2);
    await projector.flush();
    expect(writes).toEqual([
      { jobs: ['a@1'], created: ['a'] },
      { jobs: ['a@2'], created: [] },
    ]);
  });

  it('writes again what could not be written', async () => {
    const { projector, writes, mark } = open(1);
    for (const seq of [1, 2]) mark('a', seq);
    await expect(projector.flush()).rejects.toThrow('no database');
    mark('a', 3);
    await projector.close();
    expect(writes).toEqual([{ jobs: ['a@3'], created: [] }]);
    expect(projector.isClean()).toBe(true);
  });
});

describe('the counts that the projector writes', () => {
  const inA = (jobs: number) => ({ type: 'pipelineJob', state: 'a', jobs });

  it('follow what is known to be written, with a mark that tells it from what is still open', async () => {
    const { projector, begin, write, store } = open();
    const [first, second, third] = [begin(1, null, 'a'), begin(2, null, 'a'), begin(3, null, 'a')];
    write(first);
    write(third);
    await projector.flush();
    expect(await store.readCounts()).toEqual([inA(2)]);
    expect(await store.readCountMark('one')).toEqual({ version: 1, upTo: 1, beyond: [3] });
    projector.abandon(second);
    write(begin(4, 'a', 'b'));
    await projector.flush();
    expect(await store.readCountMark('one')).toEqual({ version: 2, upTo: 4, beyond: [] });
    expect(new Set(await store.readCounts())).toEqual(new Set([inA(1), { ...inA(1), state: 'b' }]));
    expect(projector.isClean()).toBe(true);
  });

  it('are not written where no job has moved', async () => {
    const { projector, begin, write, store } = open();
    write(begin(1, 'a', 'a'));
    await projector.flush();
    expect(await store.readCountMark('one')).toBeNull();
  });

  it('have each commit once where the projection had to be written again', async () => {
    const { projector, begin, write, store } = open(2);
    write(begin(1, null, 'a'));
    await expect(projector.flush()).rejects.toThrow('no database');
    expect(projector.isClean()).toBe(false);
    write(begin(2, null, 'a'));
    await projector.close();
    expect(await store.readCounts()).toEqual([inA(2)]);
    expect(projector.isClean()).toBe(true);
  });

  it('have of commits in doubt those that the log has', async () => {
    const { projector, begin, store, landed } = open();
    const [lost, written] = [begin(1, null, 'a'), begin(2, null, 'a')];
    landed.add(2);
    for (const ticket of [lost, written]) projector.suspect('job', ticket);
    await projector.close();
    expect(await store.readCounts()).toEqual([inA(1)]);
    expect(await store.readCountMark('one')).toEqual({ version: 1, upTo: 2, beyond: [] });
    expect(projector.isClean()).toBe(true);
  });

  it('leave out what others have counted meanwhile', async () => {
    const { projector, begin, write, store } = open();
    const tickets = [begin(1, null, 'a'), begin(2, null, 'a'), begin(3, null, 'a')];
    await store.count('one', { version: 1, upTo: 0, beyond: [2] }, [inA(1)]);
    tickets.forEach(write);
    await projector.flush();
    expect(await store.readCounts()).toEqual([inA(3)]);
    expect(await store.readCountMark('one')).toEqual({ version: 2, upTo: 3, beyond: [] });
  });
});
