import type { Trial, TrialResult } from './contender.ts';
import { treeCpu } from './treeCpu.ts';

/** Where the work tells how long it took. */
export interface Times {
  /** One acknowledged call. */
  readonly call: (milliseconds: number) => void;
  /** A whole life. */
  readonly life: (milliseconds: number) => void;
}

export interface Sampled {
  /** How many units the body comes to. */
  readonly units: number;
  /** Reads the server's processor time in microseconds; of the server's process tree without it. */
  readonly serverCpu?: () => Promise<number>;
}

/** Times the body, until its promise resolves, with the processor time of both sides. */
export async function takeSample(
  { server }: Pick<Trial, 'server'>,
  { units, serverCpu = async () => treeCpu(server.pid ?? NaN) }: Sampled,
  body: (times: Times) => Promise<void>,
): Promise<TrialResult> {
  const latencies: number[] = [];
  const endToEnd: number[] = [];
  const serverBefore = await serverCpu();
  const clientBefore = process.cpuUsage();
  const started = performance.now();
  await body({
    call: (milliseconds) => latencies.push(milliseconds),
    life: (milliseconds) => endToEnd.push(milliseconds),
  });
  const seconds = (performance.now() - started) / 1_000;
  const { user, system } = process.cpuUsage(clientBefore);
  return {
    value: units / seconds,
    latencies,
    endToEnd,
    clientCpu: (user + system) / units,
    serverCpu: ((await serverCpu()) - serverBefore) / units,
  };
}

/** So many callers do the pieces of work 0 … count − 1, each the next one as soon as it is free. */
export async function runCallers(
  callers: number,
  count: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  let begun = 0;
  const caller = async (): Promise<void> => {
    while (begun < count) {
      begun += 1;
      await work(begun - 1);
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
}

/** Jobs that each contender does before it is measured: its code is compiled, its connections open. */
export const warmUpOf = ({ callers, jobs }: Trial): number =>
  Math.max(callers, Math.ceil(jobs / 5));
