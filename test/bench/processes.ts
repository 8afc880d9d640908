import type { Context } from './context.ts';
import type { Report } from './figures.ts';
import { hotOnTwo } from './processesHot.ts';
import { openPlace, startPart } from './processesParts.ts';
import { tellLifecycles, runLifecycles, verifyPlace, type Round } from './processesRun.ts';

const counts = [1, 2, 4];
const warmUpMs = 4_000;

/** Life cycles sent by one, two and four processes at once on one replica set, and two on one job. */
export async function processes({ uri, scale }: Context): Promise<Report> {
  const place = await openPlace(uri);
  const parts = Array.from({ length: Math.max(...counts) }, () => startPart('sender'));
  try {
    const rounds = new Map(counts.map((count) => [count, [] as Round[]]));
    // A first round of all that nobody sees: the code gets warm.
    await runLifecycles(place, parts, warmUpMs);
    for (let round = 0; round < scale.rounds; round += 1) {
      for (const count of counts)
        rounds
          .get(count)
          ?.push(await runLifecycles(place, parts.slice(0, count), scale.seconds * 1_000));
    }
    const told = [...rounds].map(([count, each]) => tellLifecycles('processes', count, each));
    const hot = await hotOnTwo(place, parts.slice(0, 2), scale.rounds, scale.seconds * 1_000);
    return {
      rows: [...told.map(({ row }) => row), ...hot.rows],
      verdicts: [
        ...told.map(({ limit }) => limit),
        ...hot.verdicts,
        await verifyPlace('processes', place),
      ],
    };
  } finally {
    await Promise.all(parts.map((part) => part.end()));
    await place.close();
  }
}
