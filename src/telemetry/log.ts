import { pino, type Logger } from 'pino';
import type { Telemetry, TelemetryEvents } from './emit.ts';
import { redact, secretFields } from './redact.ts';
import { activeTraceId } from './tracing.ts';

/** Where lines go; each ends with a line break. */
export interface LogDestination {
  write(line: string): void;
}

/**
 * Writes log lines as JSON to stderr: the only file that does. No line holds a token, and none a URL:
 * a callback's token may stand in it.
 */
export function attachLog(
  telemetry: Telemetry,
  level: string,
  destination: LogDestination = pino.destination({ fd: 2, sync: true }),
): Logger {
  const log = pino(
    {
      level,
      base: null,
      redact: [...secretFields],
      mixin: () => {
        const traceId = activeTraceId();
        return traceId === undefined ? {} : { traceId };
      },
    },
    { write: (line: string) => destination.write(redact(line)) },
  );
  logService(telemetry, log);
  logBackground(telemetry, log);
  // So many that even making them costs, unless somebody wants them.
  if (log.isLevelEnabled('debug')) logJobs(telemetry, log);
  return log;
}

function logService(telemetry: Telemetry, log: Logger): void {
  telemetry.on('service.started', (event) => log.info(event, 'the service listens'));
  telemetry.on('service.stopping', (event) =>
    log.info(event, 'the service finishes what is under way and stops'),
  );
  telemetry.on('http.request', (event) =>
    log[levelOf(event)](requestFields(event), 'a request was answered'),
  );
  telemetry.on('http.failed', ({ requestId, error }) =>
    log.error({ reqId: requestId, error }, 'a request failed, and not by its sender'),
  );
  telemetry.on('admin.refused', (event) =>
    log.warn(event, 'an administrative attempt was refused'),
  );
  telemetry.on('stream.opened', () => log.debug('a live stream was opened'));
  telemetry.on('stream.closed', () => log.debug('a live stream was closed'));
}

/** To be asked to come again, and not to be ready, is no failure. */
const levelOf = ({ status }: TelemetryEvents['http.request']): 'info' | 'warn' | 'error' =>
  status < 500 ? 'info' : status === 503 ? 'warn' : 'error';

/** The fields by name: whatever else an event may carry is not logged. */
const requestFields = (event: TelemetryEvents['http.request']) => ({
  reqId: event.requestId,
  method: event.method,
  route: event.route,
  status: event.status,
  milliseconds: event.milliseconds,
  ...(event.actor && { principal: `${event.actor.kind}:${event.actor.id}` }),
  ...(event.jobId !== undefined && { jobId: event.jobId }),
});

function logBackground(telemetry: Telemetry, log: Logger): void {
  telemetry.on('commit.unknown', (event) =>
    log.warn(event, 'a commit has an unknown outcome and is resolved'),
  );
  telemetry.on('projection.failed', (event) =>
    log.warn(event, 'snapshots could not be written; trying again'),
  );
  telemetry.on('projection.repaired', (event) =>
    log.info(event, 'repaired what a process left behind'),
  );
  telemetry.on('effect.failed', (event) =>
    log.warn(event, 'an effect failed and will be tried again'),
  );
  telemetry.on('effect.parked', (event) =>
    log.error(event, 'an effect is parked and needs a person'),
  );
  telemetry.on('history.long', (event) => log.warn(event, 'a job has a long history'));
  telemetry.on('duty.failed', (event) =>
    log.warn(event, 'a maintenance duty failed; it will run again'),
  );
  telemetry.on('embedded.progress', (event) => log.info(event, 'embedded MongoDB'));
  telemetry.on('effect.done', (event) => log.debug(event, 'an effect is done'));
  telemetry.on('timer.fired', (event) => log.debug(event, 'a timer came due'));
}

function logJobs(telemetry: Telemetry, log: Logger): void {
  telemetry.on('job.committed', (event) => log.debug(event, 'events were accepted'));
  telemetry.on('job.refused', (event) => log.debug(event, 'a request was refused'));
}
