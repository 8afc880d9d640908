import type { JobManager } from '../../src/jobs/jobManager.ts';
import type { Abilities, Place } from './processesParts.ts';
import { openManager } from './processesSender.ts';

/** Milliseconds: since the process itself began, for opening alone, for the first job read. */
export interface Started {
  readonly sinceSpawn: number;
  readonly open: number;
  readonly firstGet: number;
  readonly rss: number;
}

/** The role of a process that starts, answers one question and ends. */
export function starter(): Abilities {
  let manager: JobManager | undefined;
  return {
    start: async ({ place, id }: { place: Place; id: string }): Promise<Started> => {
      const began = performance.now();
      manager = await openManager(place);
      const opened = performance.now();
      await manager.job(id);
      const answered = performance.now();
      const { rss } = process.memoryUsage();
      return { sinceSpawn: answered, open: opened - began, firstGet: answered - opened, rss };
    },
    close: async () => {
      await manager?.close();
      manager = undefined;
    },
  };
}
