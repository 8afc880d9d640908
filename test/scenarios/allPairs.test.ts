import { AdminRequired, InvalidTransition } from 'jobwright';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  eventNames,
  pairs,
  pipelineJobTable,
  states,
  wayTo,
} from '../machines/pipelineJobTable.ts';
import { pipeline, useWorld, type PipelineJobHandle } from './world.ts';

const world = useWorld();
const adminEvents = ['reset', 'ready'];
const doors = ['method', 'name'] as const;
type Door = (typeof doors)[number];

/** A job of its own for each pair and door, in its state, as the actor who sends. */
const jobs = new Map<string, PipelineJobHandle>();
const keyOf = (door: Door, from: string, event: string) => `${door} ${event}@${from}`;
const jobOf = (door: Door, from: string, event: string): PipelineJobHandle => {
  const job = jobs.get(keyOf(door, from, event));
  if (!job) throw new Error('it was not set up');
  return job;
};

beforeAll(async () => {
  const all = doors.flatMap((door) => pairs.map((pair) => ({ door, ...pair })));
  await Promise.all(
    all.map(async ({ door, from, event }) => {
      const key = keyOf(door, from, event);
      const { id } = await world.manager.setup('pipelineJob', { pipeline, data: { key } });
      const admin = await world.asAdmin(id);
      const way = wayTo[from] ?? [];
      if (way.length > 0) await admin.sendAll(way.map((name) => ({ name })));
      jobs.set(key, adminEvents.includes(event) ? admin : await world.manager.job(id));
    }),
  );
});

/** As one would type it when one does not know how: run, RUN, rUn. */
const inOtherCase = (name: string, index: number): string =>
  [
    name,
    name.toUpperCase(),
    name.replace(/./g, (letter, place: number) => (place % 2 ? letter.toUpperCase() : letter)),
  ][index % 3] ?? name;

function sendThrough(door: Door, job: PipelineJobHandle, event: string, data: object) {
  if (door === 'name')
    return job.send(inOtherCase(event, eventNames.indexOf(event) + job.version), data);
  // The method `reset` is the whole action; the event goes by its name.
  if (event === 'reset') return job.send(event, data);
  const methods = job as unknown as Record<string, (data: object) => Promise<PipelineJobHandle>>;
  return methods[event]?.(data);
}

/** `Cannot transition to …` for events that lead to one state only, wherever they are sent from. */
function expectedMessage(from: string, event: string): string {
  const targets = new Set(states.flatMap((state) => pipelineJobTable[state]?.[event] ?? []));
  const [only] = targets;
  const tried =
    targets.size === 1
      ? `Cannot transition to ${only} from ${from}`
      : `Cannot apply ${event} in ${from}`;
  return `${tried}; allowed: ${Object.keys(pipelineJobTable[from] ?? {}).join(', ')}`;
}

it('sets up what the table calls 165 pairs, of which 43 are legal', () => {
  expect(pairs).toHaveLength(165);
  expect(pairs.filter(({ to }) => to !== null)).toHaveLength(43);
  expect(jobs.size).toBe(330);
});

describe.each(doors)('sent by %s', (door) => {
  const legal = pairs.flatMap(({ to, ...pair }) => (to === null ? [] : [{ ...pair, to }]));
  it.each(legal)('$event is accepted in $from and leads to $to', async ({ from, event, to }) => {
    const job = jobOf(door, from, event);
    const before = job.version;
    const data = { why: `${event} in ${from}` };

    expect(await sendThrough(door, job, event, data)).toBe(job);

    expect(job.state).toBe(to);
    expect(job.version).toBe(before + 1);
    expect(job.view().lastEvent).toBe(event);
    const actor = adminEvents.includes(event)
      ? { kind: 'admin', id: 'ada' }
      : { kind: 'operator', id: 'library' };
    const { entries } = await job.history({ after: before });
    expect(entries).toEqual([
      {
        id: `${job.id}:${before + 1}`,
        seq: before + 1,
        name: event,
        data,
        from,
        to,
        at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/) as string,
        actor,
        ...(actor.kind === 'admin' && {
          tokenId: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
        }),
        hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      },
    ]);
  });

  const illegal = pairs.filter(({ to }) => to === null);
  it.each(illegal)('$event is refused in $from and changes nothing', async ({ from, event }) => {
    const job = jobOf(door, from, event);
    const before = { view: job.view(), history: await job.history() };

    const error = await world.refusal(job.id, InvalidTransition, () =>
      sendThrough(door, job, event, { why: 'no' }),
    );

    const allowed = Object.keys(pipelineJobTable[from] ?? {});
    expect(error.toJSON()).toEqual({
      code: 'INVALID_TRANSITION',
      message: expectedMessage(from, event),
      jobId: job.id,
      event,
      index: 0,
      from,
      allowed,
    });
    await job.refresh();
    expect({ view: job.view(), history: await job.history() }).toEqual(before);
  });
});

describe.each(states)('in %s', (from) => {
  it.each(adminEvents)('an operator and the job itself may not send %s', async (event) => {
    // The job of a pair that is refused is in its state, whatever ran before.
    const refused = eventNames.find((name) => pipelineJobTable[from]?.[name] === undefined) ?? '';
    const operator = await world.manager.job(jobOf('name', from, refused).id);
    const own = await world.manager.job(operator.id, { token: operator.token });
    for (const job of [operator, own]) {
      const error = await world.refusal(job.id, AdminRequired, () => job.send(event, {}));
      expect(error.toJSON()).toEqual({
        code: 'ADMIN_REQUIRED',
        message: `Only an admin may ${event}; give an admin token (jobwright token admin)`,
        action: event,
      });
    }
    expect((await operator.refresh()).state).toBe(from);
  });
});
