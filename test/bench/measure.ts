import type { Db } from 'mongodb';
import type { Sample } from './figures.ts';

/** What callers do over and over: each resolves once its work is acknowledged, and tells its calls' times. */
export type Work = (told: (milliseconds: number) => void) => Promise<void>;

export interface Load {
  readonly callers: number;
  /** Callers begin nothing new after so many milliseconds, or after so many pieces of work. */
  readonly milliseconds?: number;
  readonly count?: number;
}

/** Keeps callers at work, waits for what follows behind (`settle`), and tells the rate a second. */
export async function measureRate(
  admin: Db,
  { callers, milliseconds = Infinity, count = Infinity }: Load,
  work: Work,
  settle: () => Promise<void>,
): Promise<Sample> {
  const latencies: number[] = [];
  const serverBefore = await serverCpu(admin);
  const clientBefore = process.cpuUsage();
  const started = performance.now();
  let begun = 0;
  const caller = async (): Promise<void> => {
    while (begun < count && performance.now() - started < milliseconds) {
      begun += 1;
      await work((latency) => latencies.push(latency));
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  await settle();
  const seconds = (performance.now() - started) / 1_000;
  const { user, system } = process.cpuUsage(clientBefore);
  return {
    value: begun / seconds,
    latencies,
    clientCpu: (user + system) / begun,
    serverCpu: ((await serverCpu(admin)) - serverBefore) / begun,
  };
}

/** Milliseconds that a call takes. */
export async function timed(call: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await call();
  return performance.now() - started;
}

/** Microseconds of processor time that mongod has used; not told on every system. */
export async function serverCpu(admin: Db): Promise<number> {
  const { extra_info: info } = await admin.command({ serverStatus: 1 });
  const { user_time_us: user, system_time_us: system } = info as Record<string, number | undefined>;
  return (user ?? NaN) + (system ?? NaN);
}
