import type { ClaimedJob, Held, Result } from '../records/workerProtocol.ts';
import { attempt } from './attempt.ts';
import type { Bell } from './bell.ts';
import type { Life } from './life.ts';
import { pause } from './pause.ts';
import type { ProgressReports } from './progressReports.ts';
import type { Run } from './run.ts';

/** The jobs that a worker is running. */
export interface Jobs {
  readonly count: number;
  held(): Held[];
  start(job: ClaimedJob): void;
  /** Raises the signal of a run whose job was taken from it; its result is dropped. */
  abandon(held: Held & { readonly state: string }): void;
  /** Raises all signals; with a reason the jobs are given back, without one dropped. */
  abortAll(reason?: string): void;
  /** Resolves once nothing runs; or when so many milliseconds have gone by since all were aborted. */
  settled(graceMs: number): Promise<void>;
}

interface Running {
  readonly job: ClaimedJob;
  readonly ending: AbortController;
  fate: 'report' | 'release' | 'drop';
  reason?: string;
}

export interface JobsOptions {
  readonly life: Life;
  readonly run: Run;
  readonly bell: Bell;
  readonly progress: ProgressReports;
  readonly deliver: (result: Result) => void;
}

export function createJobs({ life, run, bell, progress, deliver }: JobsOptions): Jobs {
  const running = new Map<string, Running>();
  const aborted = new AbortController();
  const { name: worker, tell } = life;

  const runOne = async (entry: Running): Promise<void> => {
    const { job, ending } = entry;
    const { id, epoch } = job;
    const result = await attempt(run, job, {
      signal: ending.signal,
      progress: (told) => {
        if (!ending.signal.aborted && running.has(keyOf(job))) {
          progress.add({ id, epoch, progress: told });
        }
      },
    });
    // Its report first: until that is taken, the job is held.
    if (entry.fate === 'report') deliver(result);
    if (entry.fate === 'release') {
      deliver({ id, epoch, outcome: 'released', ...(entry.reason && { reason: entry.reason }) });
    }
    progress.forget(job);
    running.delete(keyOf(job));
    bell.ring();
  };

  return {
    get count() {
      return running.size;
    },
    held: () => [...running.values()].map(({ job: { id, epoch } }) => ({ id, epoch })),
    start(job) {
      const entry: Running = { job, ending: new AbortController(), fate: 'report' };
      running.set(keyOf(job), entry);
      tell({ event: 'claimed', worker, id: job.id, epoch: job.epoch });
      void runOne(entry);
    },
    abandon(held) {
      const entry = running.get(keyOf(held));
      if (!entry || entry.fate === 'drop') return;
      entry.fate = 'drop';
      const { id, epoch, state } = held;
      tell({ event: 'abandoned', worker, id, epoch, state });
      entry.ending.abort(new Error(`job ${id} was taken from this worker: it is ${state}`));
    },
    abortAll(reason) {
      aborted.abort();
      for (const entry of running.values()) {
        if (entry.fate === 'report') entry.fate = reason === undefined ? 'drop' : 'release';
        if (reason !== undefined) entry.reason = reason;
        entry.ending.abort(new Error(reason ?? `worker ${worker} is no longer active`));
      }
    },
    async settled(graceMs) {
      const tooLong = new AbortController();
      const limit = async (): Promise<void> => {
        await new Promise((resolve) => onAbort(aborted.signal, resolve));
        await pause(graceMs, tooLong.signal);
        tooLong.abort();
      };
      void limit();
      while (running.size > 0 && !tooLong.signal.aborted) await bell.next(tooLong.signal);
      tooLong.abort();
    },
  };
}

const keyOf = ({ id, epoch }: Held): string => `${id} ${epoch}`;

function onAbort(signal: AbortSignal, act: (value?: unknown) => void): void {
  if (signal.aborted) act();
  else signal.addEventListener('abort', () => act(), { once: true });
}
