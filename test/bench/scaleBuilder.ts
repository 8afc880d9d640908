import type { JobManager } from '../../src/jobs/jobManager.ts';
import type { Abilities, Place } from './processesParts.ts';
import { openManager } from './processesSender.ts';
import { eventData, planJob } from './scalePlan.ts';

export interface BuildOrder {
  readonly jobs: number;
  /** Which of so many builders this is. */
  readonly builder: number;
  readonly builders: number;
  readonly callers: number;
}
export interface Built {
  readonly entries: number;
  readonly commits: number;
  /** Microseconds of this process. */
  readonly cpu: number;
}

const toldEveryMs = 15_000;

/** The role of a process that builds its part of the large database, through the engine. */
export function builder(): Abilities {
  let manager: JobManager | undefined;
  return {
    open: async (place: Place) => void (manager = await openManager(place)),
    build: async (order: BuildOrder) => manager && build(manager, order),
    close: async () => {
      await manager?.close();
      manager = undefined;
    },
  };
}

async function build(manager: JobManager, order: BuildOrder): Promise<Built> {
  const { jobs, callers, builders } = order;
  let next = order.builder;
  let entries = 0;
  let commits = 0;
  const before = process.cpuUsage();
  const progress = setInterval(() => {
    if (order.builder === 0) console.error(`scale: ${next} of ${jobs} jobs built`);
  }, toldEveryMs);
  const caller = async (): Promise<void> => {
    while (next < jobs) {
      const index = next;
      next += builders;
      const { kind, input } = planJob(index);
      const job = await manager.setup(kind.type, input);
      for (const [number, chain] of kind.chains.entries()) {
        const events = chain.map((name, place) => ({ name, data: eventData(index, place) }));
        await job.sendAll(events, { key: `chain-${number}` });
      }
      entries += 1 + kind.chains.reduce((sum, chain) => sum + chain.length, 0);
      commits += 1 + kind.chains.length;
    }
  };
  try {
    await Promise.all(Array.from({ length: callers }, caller));
    await manager.engine.projector.flush();
  } finally {
    clearInterval(progress);
  }
  const { user, system } = process.cpuUsage(before);
  return { entries, commits, cpu: user + system };
}
