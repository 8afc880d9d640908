import { bulkRun } from '../../machines/bulkRun.ts';
import { InvalidTransition, JobNotFound, VersionMismatch } from '../errors.ts';
import type { Engine } from '../jobs/engine.ts';
import { startDriving } from './driveRun.ts';
import { contextOf, loadRun, tellRun } from './runLog.ts';

/** Milliseconds of silence after which a process is taken for gone. */
const goneMs = 5_000;
/** Milliseconds after which one whose targets are not all written down is given up. */
const makingMs = 600_000;
const open = ['gathering', 'running', 'stopping'] as const;
const batchSize = 100;

/**
 * Goes on with runs whose process is gone, fell silent, or has put them down. Of two that want to take
 * one over, the log decides; whoever it is taken from is fenced off.
 */
export async function resumeRuns(engine: Engine): Promise<void> {
  const { store, bulkRuns, processId } = engine;
  const pages = await Promise.all(
    open.map((state) => store.listJobs({ type: bulkRun.name, state }, { limit: batchSize })),
  );
  const ids = pages.flat().map(({ id }) => id);
  if (ids.length === 0) return;
  const { now, beats } = await store.readBeats();
  const isAlive = (process: string): boolean =>
    beats.some(
      (each) => each.process === process && now.getTime() - each.beatAt.getTime() < goneMs,
    );
  for (const id of ids) {
    if (bulkRuns.isStopping) return;
    if (bulkRuns.get(id)) continue;
    await resume(engine, id, (runner) => runner !== processId && isAlive(runner));
  }
}

async function resume(
  engine: Engine,
  id: string,
  isWorkedOn: (runner: string) => boolean,
): Promise<void> {
  try {
    const run = await loadRun(engine, id);
    const { runner } = contextOf(run);
    const isOpen = open.some((state) => state === run.state);
    if (!isOpen || isWorkedOn(runner)) return;
    const options = { ifVersion: run.seq };
    if (run.state === 'gathering') {
      // Who makes one here is not among the active ones yet, and may have failed to say that it gave up.
      const age = engine.now() - run.updatedAt.getTime();
      if (runner === engine.processId && age < makingMs) return;
      const reason = 'not all of its targets could be written down; nothing was done';
      await tellRun(engine, id, [{ name: 'fail', data: { reason } }], options);
      return;
    }
    if (runner !== engine.processId) {
      const data = { runner: engine.processId };
      await tellRun(engine, id, [{ name: 'take', data }], options);
    }
    void startDriving(engine, id);
  } catch (error) {
    // Another process was faster, or somebody has ended it.
    if (!overtaken.some((kind) => error instanceof kind)) throw error;
  }
}

const overtaken = [VersionMismatch, InvalidTransition, JobNotFound];
