import type { Telemetry, TelemetryEvents, TelemetryName } from '../../src/telemetry/emit.ts';

/** One of each event, as the service could tell it. */
export const sampleEvents: TelemetryEvents = {
  'job.committed': { jobId: 'job-1', type: 'pipelineJob', seq: 2, events: ['run', 'update'] },
  'job.refused': { jobId: 'job-1', type: 'pipelineJob', event: 'run', code: 'INVALID_TRANSITION' },
  'commit.batch': { size: 3, milliseconds: 4 },
  'commit.conflict': { jobId: 'job-1' },
  'commit.unknown': { jobId: 'job-1', error: 'the connection was cut' },
  'projection.written': { jobs: 5, lagMilliseconds: 60 },
  'projection.failed': { jobs: 5, error: 'no answer' },
  'projection.repaired': { jobs: 7, process: 'process-1' },
  'effect.done': { jobId: 'job-1', effect: 'clearArchive', seq: 2, attempts: 1 },
  'effect.failed': { jobId: 'job-1', effect: 'clearArchive', seq: 2, attempts: 1, error: 'no' },
  'effect.parked': { jobId: 'job-1', effect: 'clearArchive', seq: 2, attempts: 10, error: 'no' },
  'timer.fired': { jobId: 'job-1', timer: 'lease' },
  'history.long': { jobId: 'job-1', entries: 10_000 },
  'duty.failed': { duty: 'fireTimers', error: 'no' },
  'embedded.progress': { step: 'found', detail: 'mongod on the path' },
  'http.request': {
    method: 'POST',
    route: '/v1/jobs/{id}/events',
    status: 200,
    milliseconds: 12,
    requestId: 'request-1',
    actor: { kind: 'operator', id: 'ada' },
    jobId: 'job-1',
  },
  'http.failed': { requestId: 'request-1', error: 'Error: no' },
  'stream.opened': {},
  'stream.closed': {},
  'admin.refused': { action: 'job.delete', code: 'ADMIN_REQUIRED' },
  'service.started': { listening: 'http://127.0.0.1:8787' },
  'service.stopping': { reason: 'SIGTERM' },
};

export function emitAll(telemetry: Telemetry, events = sampleEvents): void {
  for (const name of Object.keys(events) as TelemetryName[]) telemetry.emit(name, events[name]);
}
