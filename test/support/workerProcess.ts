import { spawnChild, type ChildMessage, type TestChild } from './childProcess.ts';
import { programBundle } from './serviceProcess.ts';
import { waitUntil } from './waitUntil.ts';

/** `worker run` in a process of its own, and all that it has told so far. */
export interface WorkerProcess extends TestChild {
  readonly told: readonly ChildMessage[];
  /** Resolves once it has told so many of these events. */
  hasTold(event: string, count?: number, withinMs?: number): Promise<void>;
}

export async function startWorkerProcess(
  service: { readonly url: string; readonly token: string; readonly home: string },
  args: readonly string[],
): Promise<WorkerProcess> {
  const child = spawnChild(await programBundle(), {
    args: ['worker', 'run', '--json', ...args],
    env: {
      JOBWRIGHT_URL: service.url,
      JOBWRIGHT_TOKEN: service.token,
      JOBWRIGHT_HOME: service.home,
    },
  });
  const told: ChildMessage[] = [];
  void follow(child, told);
  const countOf = (event: string): number => told.filter((one) => one['event'] === event).length;
  return {
    ...child,
    told,
    async hasTold(event, count = 1, withinMs = 30_000) {
      const condition = async () =>
        countOf(event) >= count || `told ${countOf(event)} times; ${child.stderr().slice(-500)}`;
      await waitUntil(`${event} of a worker`, condition, withinMs, 10);
    },
  };
}

async function follow(child: TestChild, told: ChildMessage[]): Promise<void> {
  try {
    for (;;) told.push(await child.nextMessage());
  } catch {
    // It has ended: what it told is all there is.
  }
}
