import { z } from 'zod';
import type { Registry } from '../machine/registry.ts';
import type { Commit } from '../store/store.ts';
import { commitLine, exportFormat } from './exportLog.ts';
import { LogCheck } from './logCheck.ts';
import { checkLogs } from './verify.ts';
import { createFindings, type Problem, type VerifyReport } from './verifyReport.ts';

/**
 * Checks an export offline, with no database: the file is whole, its jobs come once each, and every log
 * holds by itself: sequence, hash chain, replay, tombstones. What no hash is known of outside the file
 * cannot be told from it: that entries, and the count at its end, were cut off the end of a live job, or
 * that a job is missing as a whole. `verify` tells that from the stored jobs.
 */
export async function verifyExport(
  lines: AsyncIterable<string>,
  registry: Registry,
  { requireMachines }: { readonly requireMachines?: boolean | undefined } = {},
): Promise<VerifyReport> {
  const findings = createFindings();
  const reader = new ExportReader(lines);
  const begin = (job: string) => new LogCheck({ registry, job, requireMachines });
  const unredacted: { readonly job: string; readonly seq: number }[] = [];
  let last = '';
  for await (const log of checkLogs(reader.commits(), begin)) {
    findings.addLog(log);
    findings.addProblems(log.problems);
    if (log.unredacted !== undefined) unredacted.push({ job: log.job, seq: log.unredacted });
    if (log.job <= last) {
      const message = 'the log of this job stands in pieces, or jobs are out of order';
      findings.addProblems([{ job: log.job, seq: log.seq, check: 'sequence', message }]);
    }
    last = log.job;
  }
  findings.addProblems(reader.problems);
  for (const { job, seq } of unredacted) {
    if (reader.removing.has(job)) continue;
    const message = 'it has its data, but the job was deleted';
    findings.addProblems([{ job, seq, check: 'tombstone', message }]);
  }
  return findings.report();
}

const headSchema = z.strictObject({
  format: z.literal(exportFormat.format),
  version: z.literal(exportFormat.version),
});
const endSchema = z.strictObject({
  end: z.literal(true),
  commits: z.int(),
  entries: z.int(),
  removing: z.array(z.string()),
});

/** Reads the lines of an export once; afterwards it tells what was wrong with the file itself. */
class ExportReader {
  readonly problems: Problem[] = [];
  removing: ReadonlySet<string> = new Set();
  readonly #lines: AsyncIterable<string>;
  #line = 0;
  #commits = 0;
  #entries = 0;

  constructor(lines: AsyncIterable<string>) {
    this.#lines = lines;
  }

  async *commits(): AsyncGenerator<Commit> {
    let hasEnded = false;
    for await (const line of this.#lines) {
      this.#line += 1;
      if (line === '') continue;
      const value = this.#parse(line);
      if (value === undefined) continue;
      if (this.#line === 1) this.#readHead(value);
      else if (hasEnded) this.#tell('it stands after the end of the export');
      else if ('end' in value) hasEnded = this.#readEnd(value);
      else {
        const commit = this.#readCommit(line, value);
        if (commit) yield commit;
      }
    }
    if (this.#line === 0) this.#tell('the file is empty');
    else if (!hasEnded) this.#tell('the export has no end: it was cut off');
  }

  #parse(line: string): Record<string, unknown> | undefined {
    try {
      const value: unknown = JSON.parse(line);
      if (typeof value === 'object' && value !== null) return value as Record<string, unknown>;
    } catch {
      // Told below, as for any other line that is no object.
    }
    this.#tell('it is no JSON object');
    return undefined;
  }

  #readHead(value: unknown): void {
    if (headSchema.safeParse(value).success) return;
    this.#tell(
      `the file is no export of format ${exportFormat.format}, version ${exportFormat.version}`,
    );
  }

  #readEnd(value: unknown): boolean {
    const { success, data } = endSchema.safeParse(value);
    if (!success) this.#tell('the end of the export is not as it is written');
    else if (data.commits !== this.#commits || data.entries !== this.#entries) {
      this.#tell(
        `the export ends with ${data.entries} entries in ${data.commits} commits, but holds ${this.#entries} in ${this.#commits}`,
      );
    }
    this.removing = new Set(data?.removing);
    return true;
  }

  /** A commit; the text must be the one canonical one, so that nobody reads anything else out of it. */
  #readCommit(line: string, value: Record<string, unknown>): Commit | undefined {
    const { at, entries, job } = value;
    const date = new Date(typeof at === 'string' ? at : NaN);
    this.#commits += 1;
    this.#entries += Array.isArray(entries) ? entries.length : 0;
    // Every other field is checked with the log.
    const commit = { ...value, at: date } as unknown as Commit;
    if (typeof job === 'string' && !Number.isNaN(date.getTime()) && commitLine(commit) === line) {
      return commit;
    }
    this.#tell('it is no commit in canonical form', typeof job === 'string' ? job : '');
    return undefined;
  }

  #tell(message: string, job = ''): void {
    if (this.problems.length > 1_000) return;
    this.problems.push({ job, check: 'format', message: `line ${this.#line}: ${message}` });
  }
}
