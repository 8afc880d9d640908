import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEmbeddedMongo, type EmbeddedMongo } from '../../src/embedded/embeddedMongo.ts';
import { openArena, type Arena } from '../support/arena.ts';
import { expectClean } from '../support/expectClean.ts';
import type { Attempt, JobClient } from '../support/jobClient.ts';
import { createLoad } from '../support/randomLoad.ts';
import { isLong, seededRandom } from '../support/waitUntil.ts';

const kills = isLong ? 5 : 1;
const withinMs = 30_000;
let home: string;
let mongo: EmbeddedMongo;
let arena: Arena;
let client: JobClient;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'jobwright-killed-'));
  mongo = await startEmbeddedMongo({ home });
  arena = await openArena(mongo.uri, 'killed');
  client = await arena.startClient();
});
afterAll(async () => {
  try {
    await arena.close();
  } finally {
    await mongo.stop();
    await rm(home, { recursive: true, force: true });
  }
});

describe('a mongod that is killed under load', () => {
  it(
    'takes nothing with it, and the writers go on by themselves',
    async () => {
      const random = seededRandom(5);
      const load = await createLoad(arena, 50, random);
      const attempts: Attempt[] = [];
      const gaps: number[] = [];
      const killed: number[] = [];
      for (let kill = 0; kill < kills; kill += 1) {
        let left = 100 + Math.floor(random() * 200);
        let last = 0;
        let longest = 0;
        const begun = await client.run(load.writers(20, 25), ({ outcome }) => {
          left -= 1;
          if (left === 0) {
            killed.push(mongo.pid);
            process.kill(mongo.pid, 'SIGKILL');
            last = performance.now();
          } else if (left > 0 || !outcome?.ok) return;
          // The longest silence after the kill: what was still on its way does not end it.
          longest = Math.max(longest, performance.now() - last);
          last = performance.now();
        });
        attempts.push(...begun);
        gaps.push(Math.ceil(longest));
      }
      expect(attempts.filter(({ outcome }) => outcome === undefined)).toEqual([]);
      await expectClean(arena, attempts, 60_000);
      // The process has lived through it all.
      expect(await client.close()).not.toBeNull();
      console.info(
        `mongod killed: ${kills} kills, ${attempts.length} requests, ` +
          `${attempts.filter(({ outcome }) => outcome?.ok).length} acknowledged, ` +
          `${client.troubles.unknown} unknown outcomes, ${client.troubles.unavailable} asked again; ` +
          `lost 0, doubled 0; acknowledged again after ${gaps.join(', ')} ms`,
      );
      // Another mongod each time.
      expect(new Set(killed).size).toBe(kills);
      for (const gap of gaps) expect(gap).toBeLessThan(withinMs);
    },
    isLong ? 600_000 : 120_000,
  );
});
