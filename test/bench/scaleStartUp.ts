import { setTimeout as delay } from 'node:timers/promises';
import { show, toRow, type Row, type Verdict } from './figures.ts';
import { startPart, toPlace, type OpenPlace, type Part } from './processesParts.ts';
import { planJob } from './scalePlan.ts';
import { lookAtDead } from './scaleRemains.ts';
import type { Started } from './scaleStarter.ts';

const starts = 3;
const loadMs = 3_000;
const patienceMs = 60_000;
/** How long a process must have been silent until it is taken for gone; a setting of the engine. */
const goneMs = 5_000;

/** How long a process takes to start on the database: as it is, and after another was killed at work. */
export async function measureStartUp(
  place: OpenPlace,
): Promise<{ rows: Row[]; verdicts: Verdict[] }> {
  const quiet: Started[] = [];
  for (let turn = 0; turn < starts; turn += 1) {
    const { started, part } = await start(place, turn);
    quiet.push(started);
    await part.end();
  }
  const killed: Repaired[] = [];
  for (let turn = 0; turn < starts; turn += 1) killed.push(await startAfterKill(place, turn));
  const row = (name: string, unit: string, values: readonly number[]): Row =>
    toRow(
      { bench: 'scale', row: name, unit, durability: '' },
      values.map((value) => ({ value })),
    );
  const ms = (name: string, values: readonly number[]): Row => row(name, 'ms', values);
  const lost = killed.map(({ lost: count }) => show(count)).join(', ');
  const rows = [
    ms(
      'start of a process: open',
      quiet.map(({ open }) => open),
    ),
    ms(
      'start of a process: from its spawn to the first job read',
      quiet.map(({ sinceSpawn }) => sinceSpawn),
    ),
    ms(
      'start after kill -9: open, which repairs',
      killed.map(({ started }) => started.open),
    ),
    ms(
      'start after kill -9: from the spawn to the first job read',
      killed.map(({ started }) => started.sinceSpawn),
    ),
    ms(
      `start after kill -9: from the spawn until what the dead one left is projected (${lost} jobs)`,
      killed.map(({ repairedMs }) => repairedMs),
    ),
    ms(
      `the dead one is forgotten, after ${show(goneMs / 1_000)} s of silence (a setting)`,
      killed.map(({ forgottenMs }) => forgottenMs),
    ),
    row(
      'memory of a process after its start',
      'MB',
      quiet.map(({ rss }) => rss / 2 ** 20),
    ),
  ];
  const worst = Math.max(
    ...killed.map(({ started, repairedMs }) => Math.max(started.sinceSpawn, repairedMs)),
  );
  const verdict = {
    bench: 'scale',
    target: 'start-up with self-repair after kill -9 under load: < 5 s (aim 1 s)',
    found: `${show(worst / 1_000)} s at most until it answers and all is repaired, of ${starts}; ${lost} jobs were behind`,
    met: worst < 5_000,
  };
  return { rows, verdicts: [verdict] };
}

/** Starts a process that answers one question and stays until it is ended. */
async function start(place: OpenPlace, turn: number): Promise<{ started: Started; part: Part }> {
  const part = startPart('starter');
  const order = { place: toPlace(place), id: planJob(turn).id };
  return { started: await part.ask<Started>('start', order), part };
}

interface Repaired {
  readonly started: Started;
  /** Jobs whose projection was behind when the process was dead. */
  readonly lost: number;
  readonly repairedMs: number;
  readonly forgottenMs: number;
}

async function startAfterKill(place: OpenPlace, turn: number): Promise<Repaired> {
  const loaded = startPart('sender');
  const dead = await loaded.ask<string>('open', toPlace(place));
  const load = loaded.ask('lifecycles', { callers: 256, milliseconds: patienceMs });
  // It ends in the middle, and that is what it is for.
  load.catch(() => undefined);
  await delay(loadMs);
  await loaded.kill();
  const killedAt = performance.now();
  const remains = await lookAtDead(place, dead);
  const lost = await remains.unprojected();
  const spawnedAt = performance.now();
  const [{ started, part }, repairedAt] = await Promise.all([
    start(place, turn),
    when(async () => (await remains.unprojected()) === 0),
  ]);
  const forgottenAt = await when(async () => !(await remains.isKnown()));
  await part.end();
  const [repairedMs, forgottenMs] = [repairedAt - spawnedAt, forgottenAt - killedAt];
  return { started, lost, repairedMs, forgottenMs };
}

/** At what time something holds, looked at every few milliseconds. */
async function when(holds: () => Promise<boolean>): Promise<number> {
  const deadline = performance.now() + patienceMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error('the repair does not come to its end');
    await delay(20);
  }
  return performance.now();
}
