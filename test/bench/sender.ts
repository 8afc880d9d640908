import type { JobManager } from '../../src/jobs/jobManager.ts';
import { takeEvent } from '../../src/jobs/parseEvent.ts';
import { sendEvents } from '../../src/jobs/sendEvents.ts';

export interface Send {
  readonly jobId: string;
  readonly token: string;
  readonly name: string;
  readonly data: unknown;
  readonly key: string;
}

/** Sends one event as a callback's route does: the token is verified, the key stored. */
export async function sendWithToken(manager: JobManager, send: Send): Promise<void> {
  await sendEvents(manager.engine, send.jobId, {
    principal: manager.principal(send.token),
    demand: { kind: 'events', events: [takeEvent(send, manager.engine.jsonLimits)] },
    key: send.key,
  });
}
