import type { Telemetry } from '../telemetry/emit.ts';

/** Something that is done again and again in the background. */
export interface Duty {
  readonly name: string;
  /** Milliseconds between the end of one run and the next. */
  readonly every: number;
  run(): Promise<unknown>;
}

export interface RunningDuties {
  /** Runs each once now; rejects with the first failure. */
  runNow(): Promise<void>;
  /** Resolves once none is running any more. */
  stop(): Promise<void>;
}

/** Runs duties until stopped. A failure is reported and does not end its duty. */
export function startDuties(duties: readonly Duty[], telemetry: Telemetry): RunningDuties {
  let isStopped = false;
  const timers = new Map<string, NodeJS.Timeout>();
  const running = new Map<string, Promise<unknown>>();

  const run = async (duty: Duty): Promise<void> => {
    const work = duty.run();
    running.set(duty.name, work);
    try {
      await work;
    } catch (error) {
      telemetry.emit('duty.failed', { duty: duty.name, error: String(error) });
    } finally {
      running.delete(duty.name);
      plan(duty);
    }
  };
  const plan = (duty: Duty): void => {
    if (isStopped) return;
    const timer = setTimeout(() => void run(duty), duty.every);
    timer.unref();
    timers.set(duty.name, timer);
  };
  duties.forEach(plan);

  return {
    async runNow() {
      for (const duty of duties) {
        await running.get(duty.name);
        await duty.run();
      }
    },
    async stop() {
      isStopped = true;
      for (const timer of timers.values()) clearTimeout(timer);
      await Promise.allSettled(running.values());
    },
  };
}
