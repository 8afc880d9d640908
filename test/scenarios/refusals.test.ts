import {
  AdminRequired,
  ArchivePathRefused,
  CancelTooLate,
  Forbidden,
  IdempotencyConflict,
  InvalidData,
  InvalidTransition,
  JobError,
  JobNotFound,
  ManagedPipelineJobError,
  MixedParents,
  ParentNotFound,
  PipelineNotFound,
  StoreUnavailable,
  Unauthenticated,
  UnknownEvent,
  UnknownMachine,
  VersionMismatch,
} from 'jobwright';
import { beforeAll, describe, expect, it } from 'vitest';
import { eventNames } from '../machines/pipelineJobTable.ts';
import { caught, pipeline, useWorld, type PipelineJobHandle } from './world.ts';

const world = useWorld();
const nobody = '00000000-0000-5000-8000-000000000000';
const known = eventNames.toSorted();

/** Each of the contract's refusals: what is tried on a job, and what the error says. */
interface Case {
  readonly kind: new (...given: never[]) => JobError;
  readonly code: string;
  readonly attempt: (job: PipelineJobHandle) => unknown;
  readonly fields: (job: PipelineJobHandle) => Record<string, unknown>;
  readonly message: RegExp;
}

const setup = (input: object) => world.manager.setup('pipelineJob', { pipeline, ...input });
const reader = () => world.manager.issueToken({ kind: 'reader', subject: 'eve' }).token;

beforeAll(async () => {
  await world.manager.documents.put('samples', 'refused-1', { name: 'one' });
  await world.manager.documents.put('experiments', 'refused-2', { name: 'two' });
});

/** Each job runs, as version 2, with the idempotency key `first`. */
const runningJob = async (): Promise<PipelineJobHandle> =>
  (await world.newJob()).sendAll([{ name: 'run' }], { key: 'first' });

const cases: readonly Case[] = [
  {
    kind: InvalidTransition,
    code: 'INVALID_TRANSITION',
    attempt: (job) => job.finish().update(),
    fields: ({ id }) => ({
      jobId: id,
      event: 'update',
      index: 1,
      from: 'FINISHED',
      allowed: ['finish', 'index', 'indexed', 'validate', 'retire', 'reset'],
    }),
    message:
      /^Cannot apply update in FINISHED; allowed: finish, index, indexed, validate, retire, reset$/,
  },
  {
    kind: UnknownEvent,
    code: 'UNKNOWN_EVENT',
    attempt: (job) => job.send('launch'),
    fields: () => ({ event: 'launch', known }),
    message: /^Unknown event launch; this machine knows: create, run, /,
  },
  {
    kind: UnknownMachine,
    code: 'UNKNOWN_MACHINE',
    attempt: () => world.manager.setup('transferJob', {}),
    fields: () => ({ name: 'transferJob', known: ['bulkRun', 'pipelineJob', 'record'] }),
    message: /^Unknown machine transferJob; registered: pipelineJob/,
  },
  {
    kind: InvalidData,
    code: 'INVALID_DATA',
    attempt: (job) => job.update({ at: { half: NaN } }),
    fields: () => ({ issues: [{ path: 'data.at.half', message: 'NaN is no JSON number' }] }),
    message: /^Invalid data of event update: data\.at\.half: NaN is no JSON number$/,
  },
  {
    kind: JobNotFound,
    code: 'JOB_NOT_FOUND',
    attempt: () => world.manager.job(nobody),
    fields: () => ({ jobId: nobody }),
    message: /^No job 00000000-0000-5000-8000-000000000000 was found/,
  },
  {
    kind: PipelineNotFound,
    code: 'PIPELINE_NOT_FOUND',
    attempt: () => setup({ pipeline: 'burrito' }),
    fields: () => ({ pipeline: 'burrito' }),
    message: /^No pipeline burrito is registered/,
  },
  {
    kind: ParentNotFound,
    code: 'PARENT_NOT_FOUND',
    attempt: () => setup({ parents: 'burrito' }),
    fields: () => ({ parent: 'burrito' }),
    message: /burrito/,
  },
  {
    kind: MixedParents,
    code: 'MIXED_PARENTS',
    attempt: () => setup({ parents: ['one', 'two'] }),
    fields: () => ({ parents: ['one', 'two'], collections: ['samples', 'experiments'] }),
    message: /one, two .*samples, experiments/,
  },
  {
    kind: Unauthenticated,
    code: 'UNAUTHENTICATED',
    attempt: ({ id }) => world.manager.job(id, { token: undefined }),
    fields: () => ({ reason: 'no token was given' }),
    message: /^Not authenticated: no token was given$/,
  },
  {
    kind: Forbidden,
    code: 'FORBIDDEN',
    attempt: async ({ id }) => (await world.manager.job(id, { token: reader() })).update(),
    fields: () => ({ action: 'send events' }),
    message: /^Not allowed to send events: a reader has no right to; it takes one of job, /,
  },
  {
    kind: AdminRequired,
    code: 'ADMIN_REQUIRED',
    attempt: (job) => job.reset({ reason: 'again' }),
    fields: () => ({ action: 'reset' }),
    message: /^Only an admin may reset; give an admin token/,
  },
  {
    kind: CancelTooLate,
    code: 'CANCEL_TOO_LATE',
    attempt: (job) => job.cancel(),
    fields: ({ id }) => ({ jobId: id, from: 'RUNNING' }),
    message: /Send a fail event instead/,
  },
  {
    kind: IdempotencyConflict,
    code: 'IDEMPOTENCY_CONFLICT',
    attempt: (job) => job.sendAll([{ name: 'update' }], { key: 'first' }),
    fields: () => ({ key: 'first' }),
    message: /^The idempotency key first was used before for something else/,
  },
  {
    kind: VersionMismatch,
    code: 'VERSION_MISMATCH',
    attempt: (job) => job.sendAll([{ name: 'update' }], { ifVersion: 1 }),
    fields: () => ({ expected: 1, actual: 2 }),
    message: /^Expected version 1, found 2/,
  },
  {
    kind: ArchivePathRefused,
    code: 'ARCHIVE_PATH_REFUSED',
    attempt: () => setup({ archivePath: '/uploads/precious' }),
    fields: () => ({ path: '/uploads/precious' }),
    message: /^Archive path \/uploads\/precious refused: it is not below a managed prefix/,
  },
];

describe('a refusal', () => {
  it.each(cases)('with $code says all there is to know', async (each) => {
    const job = await runningJob();
    const error = await world.refusal(undefined, each.kind, () => each.attempt(job));
    const { code, message, ...fields } = error.toJSON();
    expect(code).toBe(each.code);
    expect(error.code).toBe(each.code);
    expect(message).toMatch(each.message);
    const sorted = Array.isArray(fields['known'])
      ? { ...fields, known: (fields['known'] as string[]).toSorted() }
      : fields;
    expect(sorted).toEqual(each.fields(job));
    expect(error).toMatchObject(fields);
    expect(error).toBeInstanceOf(JobError);
    if (each.kind !== UnknownMachine) expect(error.name).toBe(each.kind.name);
    expect(job.version).toBe(2);
  });

  it('of a cancel is one of the two front doors', () => {
    expect(new CancelTooLate('job-1', 'RUNNING')).toBeInstanceOf(ManagedPipelineJobError);
  });

  it('with STORE_UNAVAILABLE comes from a manager that is closed', async () => {
    const closed = await world.open();
    const { id } = await world.newJob();
    const job = await closed.job(id);
    await closed.close();
    const error = await world.refusal(id, StoreUnavailable, () => closed.job(id));
    expect(error.toJSON()).toEqual({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringMatching(/^The store is unavailable: it was closed/) as string,
    });
    await expect(job.run()).rejects.toThrow(StoreUnavailable);
    await expect(closed.setup('pipelineJob', { pipeline })).rejects.toThrow(StoreUnavailable);
  });

  it('never tells a token', async () => {
    const [job, other] = [await runningJob(), await world.newJob()];
    const once = job.issueToken({ once: true }).token;
    await (await world.manager.job(job.id, { token: once })).update({ first: true });
    const limited = job.issueToken({ events: ['update'] }).token;
    const tokens = [job.token, other.token, once, limited, reader(), `${job.token}x`];
    const attempts = tokens.flatMap((token) => [
      async () => (await world.manager.job(job.id, { token })).finish().update(),
      () => job.reset({ token, reason: 'again' }),
      () => job.delete({ token, reason: 'again' }),
      () => job.delete({ token: `${token}${token}${token}`, reason: 'again' }),
    ]);
    for (const attempt of attempts) {
      const error = (await caught(attempt)) as JobError;
      expect(error).toBeInstanceOf(JobError);
      const told = [JSON.stringify(error), error.message, error.stack, String(error.cause)].join();
      for (const part of tokens.flatMap((token) => [token, token.split('.')[2] ?? token])) {
        expect(told).not.toContain(part);
      }
    }
  });
});
