import type { JobManager, OpenOptions } from 'jobwright';
import { beforeAll } from 'vitest';
import type { Activation, ClaimedJob, ClaimRequest } from '../../src/records/workerProtocol.ts';
import { createWorkers, type Workers } from '../../src/records/workers.ts';
import { useRecordWorld, type RecordHandle, type StoreKind } from './recordWorld.ts';

/** Managers whose clock a test moves, and what tests of workers do again and again. */
export interface WorkerWorld {
  readonly manager: JobManager;
  readonly workers: Workers;
  /** Another process with the same clock. */
  open(options?: OpenOptions): Promise<JobManager>;
  /** Moves the clock, which else follows the machine's. */
  passTime(seconds: number): void;
  /** Does what is due in the background. */
  maintain(): Promise<void>;
  /** The workers as a worker's token has them. */
  as(subject: string): Workers;
  /** Activates a worker with a name of its own that takes one tag; the test alone uses that tag. */
  activate(activation?: Activation): Promise<string>;
  /** Sets up a record under a tag of the test's own. */
  record(data: Readonly<Record<string, unknown>>): Promise<RecordHandle>;
  /** A tag that nobody has used. */
  newTag(): string;
  claimIds(worker: string, request?: ClaimRequest): Promise<string[]>;
  /** Claims the one record that a worker can have. */
  claimOne(worker: string): Promise<ClaimedJob>;
  job(id: string): Promise<RecordHandle>;
  /** The names of a record's history. */
  names(id: string): Promise<string>;
}

/** Gives a group of tests its workers; call it where hooks may be registered. */
export function useWorkerWorld(kind: StoreKind): WorkerWorld {
  const records = useRecordWorld(kind);
  let passed = 0;
  let number = 0;
  let manager: JobManager;
  const next = (): number => (number += 1);

  beforeAll(async () => {
    manager = await world.open();
  });

  const world: WorkerWorld = {
    get manager() {
      return manager;
    },
    get workers() {
      return manager.workers;
    },
    open: (options = {}) => records.open({ now: () => Date.now() + passed, ...options }),
    passTime: (seconds) => void (passed += seconds * 1_000),
    maintain: () => manager.maintain(),
    as: (subject) => createWorkers(manager.engine, { actor: { kind: 'worker', id: subject } }),
    async activate(activation = {}) {
      const { name } = await manager.workers.activate({ name: `w${next()}`, ...activation });
      return name;
    },
    record: (data) => manager.setup('record', { data: { number: next(), ...data } }),
    newTag: () => `tag${next()}`,
    claimIds: async (worker, request) =>
      (await manager.workers.claim(worker, request)).map(({ id }) => id),
    async claimOne(worker) {
      const [claimed, ...more] = await manager.workers.claim(worker);
      if (!claimed || more.length > 0) throw new Error('not one record could be claimed');
      return claimed;
    },
    job: (id) => manager.job<'record'>(id),
    async names(id) {
      const { entries } = await (await manager.job(id)).history({ limit: 500 });
      return entries.map(({ name }) => name).join(' ');
    },
  };
  return world;
}
