import { setTimeout as delay } from 'node:timers/promises';
import { durability, type Context } from './context.ts';
import { show, toRow, type Report } from './figures.ts';
import { measureRate } from './measure.ts';
import { fullLifecycle } from './lifecycles.ts';

const warmUp = 10_000;
const megabyte = 1024 * 1024;

/** How much a process grows while many jobs pass through it, once its caches are full. */
export async function memory(context: Context): Promise<Report> {
  const { admin, scale } = context;
  const manager = await context.open();
  await manager.pipelines.put('bench', { name: 'Benchmark' });
  const work = fullLifecycle(manager);
  const pass = (count: number) =>
    measureRate(
      admin,
      { callers: 256, count },
      () => work(() => undefined),
      () => manager.engine.projector.flush(),
    );
  await pass(warmUp);
  const before = await resident();
  await pass(scale.jobs);
  const after = await resident();
  const naming = { bench: 'memory', unit: 'MB', durability };
  const row = (name: string, bytes: number) =>
    toRow({ ...naming, row: name }, [{ value: bytes / megabyte }]);
  const growth = row(
    `growth of RSS over ${show(scale.jobs)} jobs after ${show(warmUp)}`,
    after.rss - before.rss,
  );
  const heap = row('growth of the heap over the same', after.heapUsed - before.heapUsed);
  const verdict = {
    bench: 'memory',
    target: `RSS grows by less than 150 MB over ${show(scale.jobs)} jobs`,
    found: `${show(growth.median)} MB, heap ${show(heap.median)} MB`,
    met: growth.median < 150,
  };
  return { rows: [growth, heap], verdicts: [verdict] };
}

/** After garbage was collected and freed memory given back. */
async function resident(): Promise<NodeJS.MemoryUsage> {
  for (let turn = 0; turn < 4; turn += 1) {
    globalThis.gc?.();
    await delay(250);
  }
  return process.memoryUsage();
}
