import { describe, expect, it } from 'vitest';
import type { LiveJob } from '../../src/jobs/liveJob.ts';
import { Projector } from '../../src/jobs/projector.ts';
import { Telemetry } from '../../src/telemetry/emit.ts';

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
  lastEvent: 'create',
  generation: 1,
  headHash: '',
  removed: false,
});

/** A projector, and what it asks of its store; the first `failures` writes fail. */
function open(failures = 0) {
  const writes: { jobs: string[]; created: string[] }[] = [];
  let left = failures;
  const projector = new Projector({
    store: {
      async project(jobs, _effects, created = new Set()) {
        if (left > 0) {
          left -= 1;
          throw new Error('no database');
        }
        writes.push({ jobs: jobs.map(({ id, seq }) => `${id}@${seq}`), created: [...created] });
      },
    },
    telemetry: new Telemetry(),
    now: () => 0,
    derive: async () => null,
    onEffects: () => undefined,
  });
  const mark = (id: string, seq: number) => projector.mark({ job: job(id, seq), effects: [] });
  return { projector, writes, mark };
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
