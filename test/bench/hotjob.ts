import { durability, type Context } from './context.ts';
import { show, toRow, type Report, type Sample } from './figures.ts';
import { measureRate, timed } from './measure.ts';
import { sendWithToken } from './sender.ts';

const callers = 500;
/** A history holds no more than 50,000 entries. */
const events = 20_000;

/** Many callers with keys and tokens on one job, whose events are put in one order. */
export async function hotjob(context: Context): Promise<Report> {
  const manager = await context.open();
  await manager.pipelines.put('bench', { name: 'Benchmark' });
  const run = async (name: string, count: number): Promise<Sample> => {
    const job = await manager.setup('pipelineJob', { pipeline: 'bench', data: { name } });
    const { id: jobId, token } = job;
    let sent = 0;
    const sample = await measureRate(
      context.admin,
      { callers, count },
      async (told) => {
        const key = `update-${(sent += 1)}`;
        const data = { progress: sent, msg: 'half way' };
        told(
          await timed(() => sendWithToken(manager, { jobId, token, name: 'update', data, key })),
        );
      },
      () => manager.engine.projector.flush(),
    );
    const { version } = await job.refresh();
    if (version !== count + 1) throw new Error(`${count} events sent, version ${version}`);
    return sample;
  };
  await run('warm-up', 2_000);
  const rounds: Sample[] = [];
  for (let round = 0; round < context.scale.rounds; round += 1)
    rounds.push(await run(`round ${round}`, events));
  const row = toRow(
    { bench: 'hotjob', row: `one job, ${callers} callers`, unit: 'events/s', durability },
    rounds,
  );
  const verdict = {
    bench: 'hotjob',
    target: `at least 5,000 events/s on one job with ${callers} callers`,
    found: `${show(row.median)}/s, p50 ${show(row.p50)} ms, p99 ${show(row.p99)} ms`,
    met: row.median >= 5_000,
  };
  const { entries, problems } = await manager.verify();
  const verified = {
    bench: 'hotjob',
    target: 'verify finds no problem in the database',
    found: `${problems.length} in ${show(entries)} entries`,
    met: problems.length === 0,
  };
  return { rows: [row], verdicts: [verdict, verified] };
}
