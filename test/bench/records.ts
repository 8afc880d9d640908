import { openOurs, type Ours } from './contenders/openOurs.ts';
import { openQcfractal, type Qcfractal, type QcfractalFigures } from './contenders/qcfractal.ts';
import { NotHere } from './contenders/servers.ts';
import { durability, type Context } from './context.ts';
import {
  medianRatio,
  show,
  toRow,
  type Report,
  type Row,
  type Sample,
  type Verdict,
} from './figures.ts';
import { bulkOperations } from './recordsBulk.ts';
import { manyClaimers, claimsFromLongQueue } from './recordsClaims.ts';
import { cycleAsTheirs, cycleAsUsual } from './recordsCycle.ts';

/** So many a round. */
const count = { records: 2_000, bulk: 10_000, theirs: { records: 1_000, bulk: 1_000 } };
/** The first round of a process is that of a program that is not compiled yet. */
const warmUps = 1;

/**
 * Records set up, claimed and reported on, beside QCFractal's records in process: with the same calls, and
 * as workers of ours make them. Then bulk operations on 10,000, sixteen claimers at once, and claims from
 * a queue of 100,000.
 */
export async function records({ uri, admin, scale }: Context): Promise<Report> {
  const ours = await openOurs(uri, { makeDirectories: false });
  const theirs = await openTheirs();
  try {
    const cycles: Record<'same' | 'usual', Sample[]> = { same: [], usual: [] };
    const figures: QcfractalFigures[] = [];
    for (let round = -warmUps; round < scale.rounds; round += 1) {
      const same = await cycleAsTheirs(ours, admin, count.records);
      const usual = await cycleAsUsual(ours, admin, count.records);
      if (round < 0) continue;
      cycles.same.push(same);
      cycles.usual.push(usual);
      if (!(theirs instanceof NotHere)) {
        figures.push(await theirs.run(count.theirs.records, count.theirs.bulk));
      }
    }
    const parts = [
      compareCycles(cycles, figures, theirs),
      await bulkOperations(ours, count.bulk, scale.rounds, perThousand(figures)),
      await manyClaimers(ours, scale.rounds),
      await claimsFromLongQueue(ours, scale.jobs),
      await verified(ours),
    ];
    return {
      rows: parts.flatMap(({ rows }) => rows),
      verdicts: parts.flatMap(({ verdicts }) => verdicts),
    };
  } finally {
    await ours.close();
    if (!(theirs instanceof NotHere)) await theirs.close();
  }
}

async function openTheirs(): Promise<Qcfractal | NotHere> {
  try {
    return await openQcfractal();
  } catch (error) {
    if (error instanceof NotHere) return error;
    throw error;
  }
}

/** Their seconds for a bulk operation on a thousand records. */
const perThousand = (figures: readonly QcfractalFigures[]) => ({
  cancel: figures.map(({ cancel }) => (cancel * 1_000) / count.theirs.bulk),
  reset: figures.map(({ reset }) => (reset * 1_000) / count.theirs.bulk),
});

function compareCycles(
  { same, usual }: Record<'same' | 'usual', Sample[]>,
  figures: readonly QcfractalFigures[],
  theirs: Qcfractal | NotHere,
): Report {
  const naming = { bench: 'records', unit: 'records/s', durability };
  const rows: Row[] = [
    toRow({ ...naming, row: 'add 500, claim 200, report 10 a call, one caller' }, same),
    toRow({ ...naming, row: 'add in one call, claim 100, report 100, eight workers' }, usual),
  ];
  if (theirs instanceof NotHere) {
    const found = `left out: ${theirs.message}`;
    return { rows, verdicts: [{ bench: 'records', target: wanted, found, met: false }] };
  }
  const rates = figures.map((each) => count.theirs.records / (each.add + each.claim + each.return));
  rows.push(
    toRow(
      {
        bench: 'records',
        unit: 'records/s',
        durability: 'fsync on',
        row: `${theirs.version}: the same calls, one caller`,
      },
      rates.map((value) => ({ value })),
    ),
  );
  const ratioOf = (samples: readonly Sample[]): number =>
    medianRatio(
      samples.map(({ value }) => value),
      rates,
    );
  const [withTheirs, withOurs] = [ratioOf(same), ratioOf(usual)];
  const verdicts: Verdict[] = [
    {
      bench: 'records',
      target: wanted,
      found: `${show(withTheirs)} × with the same calls, ${show(withOurs)} × with eight workers`,
      met: withTheirs >= 20,
    },
  ];
  return { rows, verdicts };
}

const wanted = "at least 20 × QCFractal's records a second";

async function verified({ manager }: Ours): Promise<Report> {
  const { ok, entries, problemCount } = await manager.verify();
  const found = `${problemCount} in ${show(entries)} entries`;
  return {
    rows: [],
    verdicts: [{ bench: 'records', target: 'verify finds no problem', found, met: ok }],
  };
}
