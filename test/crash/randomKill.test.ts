import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openArena, type Arena } from '../support/arena.ts';
import { testDatabase } from '../support/database.ts';
import { expectClean, loggedRequests } from '../support/expectClean.ts';
import type { Attempt } from '../support/jobClient.ts';
import { createLoad } from '../support/randomLoad.ts';
import { isLong, seededRandom } from '../support/waitUntil.ts';

const kills = isLong ? 50 : 5;
const seed = Number(process.env['SEED'] ?? 20_261_121);
const { uri, database } = testDatabase();
let arena: Arena;

beforeAll(async () => {
  arena = await openArena(uri, database);
});
afterAll(() => arena.close());

describe('a process that is killed again and again under load', () => {
  it(
    'loses nothing it acknowledged and doubles nothing that is asked again',
    async () => {
      const random = seededRandom(seed);
      const load = await createLoad(arena, 50, random);
      const attempts: Attempt[] = [];
      let open: Attempt[] = [];
      let written = 0;
      for (let round = 0; round < kills; round += 1) {
        const client = await arena.startClient();
        open = await askAgain(open, (writers) => client.run(writers));
        // The moment of death is chosen by how far the work has got, so that it is always under way.
        let left = 20 + Math.floor(random() * (isLong ? 400 : 200));
        const begun = await client.run(load.writers(16, 50), () => {
          left -= 1;
          if (left === 0) process.kill(client.pid, 'SIGKILL');
        });
        expect(await client.ended).toMatchObject({ signal: 'SIGKILL' });
        attempts.push(...begun);
        open = [...open, ...begun.filter(({ outcome }) => outcome === undefined)];
        written += await countWritten(arena, open);
      }
      const unacknowledged = open.length;
      const client = await arena.startClient();
      open = await askAgain(open, (writers) => client.run(writers));
      expect(await client.close()).not.toBeNull();
      expect(open).toEqual([]);
      await expectClean(arena, attempts, 30_000);
      const entries = (await arena.read()).commits.flatMap((commit) => commit.entries);
      console.info(
        `random kills (seed ${seed}): ${kills} kills, ${attempts.length} requests, ` +
          `${attempts.filter(({ outcome }) => outcome?.ok).length} acknowledged, ` +
          `${written} written but not acknowledged, ${unacknowledged} open at the last kill; ` +
          `${entries.length} entries; lost 0, doubled 0`,
      );
    },
    isLong ? 1_800_000 : 120_000,
  );
});

/** Asks again for what was cut off, under the same keys; hands back what is still open. */
async function askAgain(
  open: readonly Attempt[],
  run: (writers: Attempt['operation'][][]) => Promise<readonly Attempt[]>,
): Promise<Attempt[]> {
  if (open.length === 0) return [];
  // The same set-up may be open several times, so each gets an operation of its own.
  const again = new Map(open.map((attempt) => [{ ...attempt.operation }, attempt]));
  const repeats = await run([...again.keys()].map((operation) => [operation]));
  for (const { operation, outcome } of repeats) {
    const attempt = again.get(operation);
    if (!attempt) continue;
    attempt.outcome = outcome;
    attempt.isRepeated = true;
  }
  return open.filter(({ outcome }) => outcome === undefined);
}

/** How many open requests are in the log all the same. */
async function countWritten(from: Arena, open: readonly Attempt[]): Promise<number> {
  const keys = new Set(loggedRequests(open).map(({ job, key }) => `${job} ${key}`));
  const { commits } = await from.read();
  return commits
    .flatMap(({ job, entries }) => entries.map(({ key }) => `${job} ${key}`))
    .filter((key) => keys.has(key)).length;
}
