import { JobError } from '../errors.ts';
import type { Registry } from '../machine/registry.ts';
import { traced } from '../telemetry/tracing.ts';
import type { Engine } from './engine.ts';
import type { LiveJob } from './liveJob.ts';
import type { Answer, Request } from './request.ts';

/** Sends one request within a span of its own, and tells telemetry if it is refused. */
export function observed(
  engine: Engine,
  jobId: string,
  request: Request,
  send: () => Promise<Answer>,
): Promise<Answer> {
  const attributes = { 'jobwright.job': jobId, 'jobwright.demand': request.demand.kind };
  return traced('job.send', attributes, () =>
    engine.telemetry.isHeard('job.refused') ? tellingRefusal(engine, jobId, request, send) : send(),
  );
}

async function tellingRefusal(
  engine: Engine,
  jobId: string,
  request: Request,
  send: () => Promise<Answer>,
): Promise<Answer> {
  // A commit that nobody knows about takes the job from what is at hand.
  const before = engine.live.peek(jobId);
  try {
    return await send();
  } catch (error) {
    const code = error instanceof JobError ? error.code : 'INTERNAL';
    const job = engine.live.peek(jobId) ?? before;
    const names = refusedNames(engine.registry, job, request, error);
    engine.telemetry.emit('job.refused', { jobId, ...names, code });
    throw error;
  }
}

/** Names that are registered, or `unknown`: a caller's own text goes into no metric and no log line. */
function refusedNames(
  registry: Registry,
  job: LiveJob | undefined,
  { demand }: Request,
  error: unknown,
): { type: string; event: string } {
  const named = demand.kind === 'create' ? demand : job;
  const machine = named && registry.find(named.type, named.typeVersion);
  const type = machine?.name ?? 'unknown';
  if (demand.kind === 'remove') return { type, event: demand.name };
  if (demand.kind === 'timers') return { type, event: 'timer' };
  if (demand.kind !== 'events') return { type, event: demand.kind };
  // Which one of a chain was refused only the error tells; AdminRequired calls it the action.
  const { event, action } = error as { event?: unknown; action?: unknown };
  const [first = 'unknown'] = [event, action, demand.events[0]?.name].flatMap((name) =>
    typeof name === 'string' ? (machine?.eventNames.get(name.toLowerCase()) ?? []) : [],
  );
  return { type, event: first };
}
