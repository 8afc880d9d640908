import { pino, type Logger } from 'pino';
import type { Telemetry } from './emit.ts';

/** Writes log lines as JSON to stderr: the only file that does. */
export function attachLog(telemetry: Telemetry, level: string): Logger {
  const log = pino(
    { level, base: null, redact: ['token', '*.token', 'secret', '*.secret'] },
    pino.destination({ fd: 2, sync: true }),
  );
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
  return log;
}
