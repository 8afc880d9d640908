import type { Context } from './context.ts';
import { medianRatio, show, type Report } from './figures.ts';
import { startOneNode, startThreeNodes, type Servers } from './nodesServers.ts';
import { openPlace, startPart, type OpenPlace, type Part } from './processesParts.ts';
import { runLifecycles, tellLifecycles, verifyPlace, type Round } from './processesRun.ts';

const bench = 'nodes';
const majority = 'w: majority, j: true';
const kept = {
  one: `${majority}, one-node replica set`,
  three: `${majority}, three-node replica set on one machine`,
  two: `${majority}, two one-node replica sets on one machine`,
};

/**
 * The same life cycles on one node, on three nodes of one set, and by two processes on one set against
 * two processes on a set each, the jobs being split by their ids as a sharded cluster splits them.
 */
export async function nodes({ scale }: Context): Promise<Report> {
  const servers: Servers[] = [];
  const places: OpenPlace[] = [];
  const parts: Part[] = [];
  try {
    for (const start of [startOneNode, startOneNode, startThreeNodes]) servers.push(await start());
    for (const { uri } of servers) places.push(await openPlace(uri));
    parts.push(startPart('sender'), startPart('sender'));
    return await measure({ servers, places, parts }, scale);
  } finally {
    await Promise.all(parts.map((part) => part.end()));
    await Promise.all(places.map((place) => place.close()));
    await Promise.all(servers.map((each) => each.stop()));
  }
}

interface Setting {
  readonly servers: readonly Servers[];
  readonly places: readonly OpenPlace[];
  readonly parts: readonly Part[];
}

async function measure(
  { servers, places, parts }: Setting,
  { rounds, seconds }: Context['scale'],
): Promise<Report> {
  const variants = [
    { setting: ' on one node', kept: kept.one, on: [0], processes: 1 },
    { setting: ' on three nodes of this machine', kept: kept.three, on: [2], processes: 1 },
    { setting: ' on one node', kept: kept.one, on: [0], processes: 2 },
    { setting: ' on two sets, jobs split by id', kept: kept.two, on: [0, 1], processes: 2 },
  ];
  const run = (variant: (typeof variants)[number], milliseconds: number): Promise<Round> =>
    runLifecycles(
      variant.on.flatMap((index) => places[index] ?? []),
      parts.slice(0, variant.processes),
      milliseconds,
      {
        admins: variant.on.flatMap((index) => servers[index]?.admins ?? []),
        isSharded: variant.on.length > 1,
      },
    );
  const found = variants.map((): Round[] => []);
  for (const variant of variants) await run(variant, 1_500);
  for (let round = 0; round < rounds; round += 1) {
    for (const [index, variant] of variants.entries())
      found[index]?.push(await run(variant, seconds * 1_000));
  }
  const told = variants.map((variant, index) =>
    tellLifecycles(bench, variant.processes, found[index] ?? [], variant),
  );
  const ratio = (one: number, other: number): string =>
    show(medianRatio(told[one]?.row.samples ?? [], told[other]?.row.samples ?? []));
  const compared = {
    bench,
    target: 'what more nodes cost and what a second set brings is told',
    found:
      `three nodes do ${ratio(1, 0)} × the life cycles of one; two sets ${ratio(3, 2)} × those of two ` +
      `processes on one set, and ${ratio(3, 0)} × those of one process`,
    met: true,
  };
  const verified = [];
  for (const place of places) verified.push(await verifyPlace(bench, place));
  return {
    rows: told.map(({ row }) => row),
    verdicts: [...told.map(({ limit }) => limit), compared, ...verified],
  };
}
