/**
 * What a status of an outside scheduler means to a job, by the tables of Agave and Tapis (contract §3).
 * KILLED fails the job here; the seed took it for an update, which left such jobs running for ever.
 */
export const statusesByEvent: Readonly<Record<string, readonly string[]>> = {
  run: ['RUNNING'],
  finish: ['FINISHED'],
  fail: ['FAILED', 'STOPPED', 'KILLED', 'DELETED', 'ARCHIVING_FAILED'],
  update: ['HEARTBEAT', 'UPDATED'],
  resource: [
    'CREATED',
    'PENDING',
    'QUEUED',
    'SUBMITTING',
    'STAGING_INPUTS',
    'STAGING_JOB',
    'STAGED',
    'PROCESSING_INPUTS',
    'PAUSED',
    'CLEANING_UP',
    'ARCHIVING',
    'ARCHIVING_FINISHED',
    'PERMISSION_GRANT',
    'PERMISSION_REVOKE',
  ],
};

const byStatus = new Map(
  Object.entries(statusesByEvent).flatMap(([event, statuses]) =>
    statuses.map((status): [string, string] => [status, event]),
  ),
);

/** The event that an external status stands for, whatever its case; one that is not known is an update. */
export const eventOfStatus = (status: string): string =>
  byStatus.get(status.trim().toUpperCase()) ?? 'update';

/** Events that tell where the outside job stands, so that hearing of one twice is no news. */
export const isMilestone = (event: string): boolean => ['run', 'finish', 'fail'].includes(event);
