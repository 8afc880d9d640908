import { commitSchema } from '../store/commitSchema.ts';
import { entryDataDigest } from '../store/hashChain.ts';
import { isTombstone, type Commit, type StoredEntry } from '../store/store.ts';
import type { LiveJob } from './liveJob.ts';
import type { Check } from './verifyReport.ts';

/** What is wrong with a commit or an entry; the place is known by who asks. */
export interface Fault {
  readonly check: Check;
  readonly message: string;
}

/** What makes a commit unreadable: fields that are no commit's, or a creation without its set-up. */
export function formatFaults(commit: Commit): Fault[] {
  const { success, error } = commitSchema.safeParse(commit);
  if (!success) {
    const issues = error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    return [format(`the commit is not written as commits are: ${issues.join('; ')}`)];
  }
  const { entries, setup, linksRemoved } = commit;
  const creates = entries[0]?.operation === 'create';
  if (creates && setup === undefined) return [format('the commit creates a job without a set-up')];
  if (!creates && setup !== undefined)
    return [format('the commit sets up a job that it does not create')];
  if (entries.slice(1).some(({ operation }) => operation === 'create')) {
    return [format('the commit creates a job after its first entry')];
  }
  if (linksRemoved !== undefined && !isTombstone(commit)) {
    return [format('the commit counts removed links, but ends no job')];
  }
  return [];
}

/** Data that is not what the entry's digest, and so its hash, stands for. */
export function dataFaults({ data, dataDigest }: StoredEntry): Fault[] {
  if (data === null || dataDigest === undefined) return [];
  const fits = entryDataDigest({ data }) === dataDigest;
  const message = fits ? 'its removed data was put back' : 'its data does not match its digest';
  return [{ check: 'hash', message }];
}

/** Whether an entry leads on from where the job was. */
export function stateFaults(job: LiveJob, { from, to, operation }: StoredEntry): Fault[] {
  const faults: Fault[] = [];
  const add = (message: string) => faults.push({ check: 'replay', message });
  if (from !== job.state) add(`it comes from ${from}, but the job was in ${job.state}`);
  if (operation === 'remove' && to !== null) add(`the end of a job leads nowhere, not to ${to}`);
  if ((operation === 'revoke' || operation === 'unlink') && to !== from) {
    add(`${operation} leaves the state as it is, and does not lead from ${from} to ${to}`);
  }
  if (to === null && operation !== 'remove') add('it leads to no state');
  return faults;
}

/** Whether a deletion has taken the entry's data. */
export const isRedacted = ({ data, dataDigest }: StoredEntry): boolean =>
  data === null && dataDigest !== undefined;

/** A tombstone says who deleted the job and why. */
export function tombstoneFaults(entry: StoredEntry): Fault[] {
  const { name, data, actor } = entry;
  if (name === 'cancel') return [];
  const faults: Fault[] = [];
  const add = (message: string) => faults.push({ check: 'tombstone', message });
  if (name !== 'delete') add(`${name} does not end a job`);
  if (actor.kind !== 'admin') add(`the job was deleted by a ${actor.kind}, not by an admin`);
  if (!isRedacted(entry) && reasonOf(data) === '') add('the deletion gives no reason');
  return faults;
}

const format = (message: string): Fault => ({ check: 'format', message });

function reasonOf(data: string | null): string {
  try {
    const { reason } = JSON.parse(data ?? '{}') as { readonly reason?: unknown };
    return typeof reason === 'string' ? reason.trim() : '';
  } catch {
    return '';
  }
}
