import { JobNotFound } from '../../errors.ts';
import { linkFields } from '../../store/store.ts';
import { experiment, type Sample, type SampleJob, type SampleJobs } from './sample.ts';

/** Documents refer to all jobs; one is deleted, and what referred to it no longer does. */
export async function deleteJob(
  { database, printer, adminToken }: Sample,
  { name, job }: SampleJob,
  jobs: SampleJobs,
): Promise<void> {
  printer.section(`The deletion of ${name}, and of the links to it`);
  const { documents } = database.manager;
  const ids = Object.values(jobs).map((each) => each.job.id);
  await documents.put('experiments', experiment, { name: 'Field season', connects_to: ids });
  const measured = { name: 'Nitrate report', generated_by: [job.id], derived_from: [name] };
  await documents.put('measurements', name, measured);
  const linked = async (): Promise<string[][]> => [
    ['', 'experiments', linksOf(await documents.get('experiments', experiment))],
    ['', 'measurements', linksOf(await documents.get('measurements', name))],
  ];
  const [firstBefore = [], ...before] = await linked();
  const reason = 'counted in another season already';
  const { linksRemoved } = await job.delete({ token: adminToken, reason });
  const [firstAfter = [], ...after] = await linked();
  const files = await database.manager.engine.archive.list(job.archivePath);
  printer.rows([
    ['before', ...firstBefore.slice(1)],
    ...before,
    ['after', ...firstAfter.slice(1)],
    ...after,
  ]);
  printer.rows([
    ['documents cleaned', String(linksRemoved)],
    ['archive', files.join(', ')],
    ['the job', await findAgain(database, job.id)],
  ]);
}

/** How many links a document has, field by field. */
function linksOf(document: Readonly<Record<string, unknown>> | null): string {
  const fields = linkFields.flatMap((field) => {
    const ids = document?.[field];
    if (!Array.isArray(ids)) return [];
    return [
      `${field} ${ids.length === 0 ? 'nothing' : ids.length === 1 ? String(ids[0]).slice(0, 13) : `${ids.length} jobs`}`,
    ];
  });
  return fields.join(', ');
}

async function findAgain({ manager }: Sample['database'], id: string): Promise<string> {
  try {
    await manager.job(id);
  } catch (error) {
    if (error instanceof JobNotFound) return `${error.code}; a tombstone keeps who, when and why`;
    throw error;
  }
  throw new Error(`job ${id} was deleted, but is there`);
}
