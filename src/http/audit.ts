import type { Action, Principal } from '../auth/authorise.ts';
import type { Engine } from '../jobs/engine.ts';
import { checkWhole } from '../jobs/readHistory.ts';
import type { AuditRecord } from '../store/store.ts';

/** What is asked for, of which job, by whom. */
export interface Attempt {
  readonly action: Action;
  readonly jobId: string | null;
  readonly principal: Principal | undefined;
  readonly reason?: string | null;
  readonly requestId: string;
}

type WireRecord = Omit<AuditRecord, 'at'> & { readonly at: string };

/** Administrative deeds that no history tells of: refused attempts, and issued tokens. */
export interface Audit {
  /** Writes down what was done, before the answer. */
  done(attempt: Attempt): Promise<void>;
  /** Writes down what was refused; of a flood only so many, with a count of the others. */
  refused(attempt: Attempt & { readonly code: string }): void;
  /** The newest first. */
  list(limit?: number): Promise<WireRecord[]>;
  /** Resolves once everything is written that will be. */
  settle(): Promise<void>;
}

/** So many refusals are written at once, and so many a second in the long run. */
const burst = 100;
const perSecond = 2;

export function createAudit({ store, telemetry, now, limits }: Engine): Audit {
  let tokens = burst;
  let filledAt = now();
  let suppressed = 0;
  const writing = new Set<Promise<void>>();

  const write = async (record: AuditRecord): Promise<void> => {
    try {
      await store.putAudit(record);
    } catch (error) {
      telemetry.emit('duty.failed', { duty: 'audit', error: String(error) });
    }
  };

  return {
    done: (attempt) => store.putAudit(recordOf(attempt, 'done', null, now())),

    refused(attempt) {
      const time = now();
      tokens = Math.min(burst, tokens + ((time - filledAt) / 1000) * perSecond);
      filledAt = time;
      if (tokens < 1) {
        suppressed += 1;
        return;
      }
      tokens -= 1;
      const record = recordOf(attempt, 'refused', attempt.code, time);
      const written = write(suppressed > 0 ? { ...record, suppressed } : record);
      suppressed = 0;
      writing.add(written);
      void written.finally(() => writing.delete(written));
    },

    async list(limit = 100) {
      checkWhole('limit', limit, 1, limits.page);
      const records = await store.listAudit(limit);
      // They are written side by side, so the store may have taken a later one first.
      const newestFirst = records.toSorted((one, other) => other.at.getTime() - one.at.getTime());
      return newestFirst.map(({ at, ...rest }) => ({ ...rest, at: at.toISOString() }));
    },

    async settle() {
      await Promise.all(writing);
    },
  };
}

function recordOf(
  { action, jobId, principal, reason = null, requestId }: Attempt,
  outcome: AuditRecord['outcome'],
  code: string | null,
  time: number,
): AuditRecord {
  return {
    at: new Date(time),
    action,
    outcome,
    jobId: jobId === null ? null : jobId.slice(0, 200),
    actor: principal?.actor ?? null,
    tokenId: principal?.token?.tokenId ?? null,
    code,
    reason,
    requestId,
  };
}
