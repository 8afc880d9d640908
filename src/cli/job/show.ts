import type { Job } from '../../client/wire.ts';
import type { Io } from '../io.ts';
import { print, type View } from '../print.ts';
import { openClient, type ServiceOptions } from '../service.ts';
import { showJson } from '../showText.ts';

/** A job, and what its state allows. */
export async function show(io: Io, id: string, options: ServiceOptions): Promise<void> {
  const client = await openClient(io, options);
  const job = await client.job(id, { signal: io.signal });
  print(io, options, job, (view) => showJob(view, job));
}

export function showJob(view: View, job: Job): void {
  const optional = (['pipeline', 'session', 'agent', 'task'] as const).flatMap((name) => {
    const value = job[name];
    return value === null ? [] : [[name, value] as const];
  });
  const links = Object.entries(job.links).flatMap(([field, ids]) =>
    ids.length === 0 ? [] : [[field, ids.join(' ')] as const],
  );
  view.pairs([
    ['id', job.id],
    ['type', `${job.type}@${job.typeVersion}`],
    ['state', job.state],
    ['version', String(job.version)],
    ['last event', job.lastEvent],
    ...optional,
    ['archive path', job.archivePath],
    ...(job.tags.length > 0 ? [['tags', job.tags.join(' ')] as const] : []),
    ...links,
    ['created', job.createdAt],
    ['updated', job.updatedAt],
    ['data', showJson(job.data)],
    ['allowed', job.allowedEvents.map(({ name, who }) => `${name} (${who.join(', ')})`).join('; ')],
  ]);
}
