import type { Entry } from '../../jobs/jobView.ts';
import type { Printer } from './printer.ts';
import type { SampleJob } from './sample.ts';

/** A job's history in this run, one line an entry. */
export async function printHistory(
  printer: Printer,
  { name, job, before }: SampleJob,
): Promise<void> {
  const { entries } = await job.history({ after: before, limit: 500 });
  const earlier = before > 0 ? `, after ${before} earlier entries` : '';
  printer.line(`${printer.paint('bold', name)}  ${job.id}  ${printer.state(job.state)}${earlier}`);
  printer.rows(entries.map((entry) => entryRow(printer, entry)));
}

function entryRow(printer: Printer, { seq, name, from, to, at, actor, data }: Entry): string[] {
  return [
    String(seq).padStart(4),
    name,
    printer.state(to ?? ''),
    from === null || from === to ? '' : `from ${from}`,
    at.slice(11, 23),
    actor.kind === 'job' ? 'job, by its token' : `${actor.kind} ${actor.id}`,
    printer.paint('dim', summary(data)),
  ];
}

/** What fits beside an entry of its data. */
function summary(data: Entry['data']): string {
  const fields = Object.entries(data ?? {}).map(([name, value]) => `${name} ${plain(value)}`);
  const text = fields.join(', ');
  return text.length <= room ? text : `${text.slice(0, room - 1)}…`;
}

const room = 56;

function plain(value: unknown): string {
  if (Array.isArray(value)) return value.map(plain).join(' ');
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.values(value).map(plain).join(' ');
}
