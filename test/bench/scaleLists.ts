import { MongoClient, type CommandStartedEvent, type Document } from 'mongodb';
import { JobManager } from '../../src/jobs/jobManager.ts';
import type { JobFilter } from '../../src/store/store.ts';
import { clientOptions } from '../../src/store/mongo/collections.ts';
import { show, toRow, type Row, type Verdict } from './figures.ts';
import { toPlace, type OpenPlace } from './processesParts.ts';
import { kinds, planJob, scaleMachine } from './scalePlan.ts';
import { measureCalls } from './scaleReads.ts';

interface List {
  readonly name: string;
  readonly filter: JobFilter;
  /** Whether the target is about it. */
  readonly isByState: boolean;
}

const emptyState = 'REJECTED';

/** Lists that people look at: by each state, by what is common, rare or not there at all. */
const lists: readonly List[] = [
  { name: 'all', filter: {}, isByState: false },
  { name: 'machine transfer', filter: { type: 'transfer' }, isByState: false },
  ...kinds.map(({ type, state }) => ({
    name: `machine ${type}, state ${state}`,
    filter: { type, state },
    isByState: true,
  })),
  {
    name: `machine pipelineJob, state ${emptyState} (none there)`,
    filter: { type: 'pipelineJob', state: emptyState },
    isByState: true,
  },
  ...[...kinds.map(({ state }) => state), emptyState].map((state) => ({
    name: `state ${state} alone${state === emptyState ? ' (none there)' : ''}`,
    filter: { state },
    isByState: true,
  })),
  { name: 'pipeline of 2 % of the jobs', filter: { pipeline: 'line-3' }, isByState: false },
  { name: 'pipeline of 0.01 % of the jobs', filter: { pipeline: 'rare' }, isByState: false },
  { name: 'tag of 1 % of the jobs', filter: { tag: 'tag-3' }, isByState: false },
  { name: 'tag of 0.01 % of the jobs', filter: { tag: 'rare' }, isByState: false },
  { name: 'tag of no job', filter: { tag: 'nowhere' }, isByState: false },
  { name: 'q: a job’s id', filter: { q: planJob(7).id }, isByState: false },
  { name: 'q: a session of 100 jobs', filter: { q: 'session-3' }, isByState: false },
  { name: 'q: nothing', filter: { q: 'nowhere' }, isByState: false },
];

/** The first page of each list by one caller, and how the database finds it. */
export async function measureLists(
  manager: JobManager,
  place: OpenPlace,
): Promise<{ rows: Row[]; verdicts: Verdict[] }> {
  const rows: Row[] = [];
  const byState: Row[] = [];
  for (const { name, filter, isByState } of lists) {
    const row = await measureCalls(`list of ${name}, first page`, () => manager.list(filter));
    rows.push(row);
    if (isByState) byState.push(row);
  }
  const { next } = await manager.list({ type: 'pipelineJob', state: 'FINISHED' });
  rows.push(
    await measureCalls('list of machine pipelineJob, state FINISHED, second page', () =>
      manager.list({ type: 'pipelineJob', state: 'FINISHED' }, { cursor: next }),
    ),
  );
  const plans = await explainLists(place);
  const worst = byState.reduce((one, other) => ((other.p99 ?? 0) > (one.p99 ?? 0) ? other : one));
  return {
    rows: [...rows, ...plans.map(({ row }) => row)],
    verdicts: [
      {
        bench: 'scale',
        target: 'first page of a list by state: p99 < 20 ms at 1 caller (aim 5 ms)',
        found: `the slowest is ${worst.row}: p50 ${show(worst.p50)} ms, p99 ${show(worst.p99)} ms`,
        met: (worst.p99 ?? Infinity) < 20,
      },
      judgePlans(plans),
    ],
  };
}

interface Plan {
  readonly name: string;
  readonly stages: string;
  readonly examined: number;
  readonly returned: number;
  readonly row: Row;
}

/** Takes the very commands that the engine sends, by command monitoring, and has each explained. */
async function explainLists(place: OpenPlace): Promise<Plan[]> {
  const client = await new MongoClient(place.uri, {
    ...clientOptions,
    monitorCommands: true,
  }).connect();
  const { uri: _uri, ...rest } = toPlace(place);
  const manager = await JobManager.open({
    ...rest,
    mongodb: client,
    machines: [scaleMachine],
    background: false,
    logLevel: 'silent',
  });
  let asked: Document | undefined;
  client.on('commandStarted', ({ commandName, command }: CommandStartedEvent) => {
    const about = command;
    if (commandName === 'find' && about['find'] === 'jobs') asked = about;
  });
  const plans: Plan[] = [];
  for (const { name, filter } of lists) {
    await manager.list(filter);
    if (asked) plans.push(await explain(place, name, asked));
  }
  await manager.close();
  await client.close();
  return plans;
}

async function explain({ db }: OpenPlace, name: string, asked: Document): Promise<Plan> {
  const { find, filter, sort, limit } = asked;
  const explained = await db.command({
    explain: {
      find: String(find),
      filter: filter as Document,
      sort: sort as Document,
      limit: Number(limit),
    },
    verbosity: 'executionStats',
  });
  const stats = explained['executionStats'] as Document;
  const planner = explained['queryPlanner'] as Document;
  const stages = stagesOf(planner['winningPlan'] as Document).join(' < ');
  const examined = Number(stats['totalDocsExamined']);
  const row = toRow(
    {
      bench: 'scale',
      row: `documents read for list of ${name}: ${stages}`,
      unit: 'documents',
      durability: '',
    },
    [{ value: examined }],
  );
  return { name, stages, examined, returned: Number(stats['nReturned']), row };
}

/** From the outermost stage to the scan, with the index that it goes over. */
function stagesOf(plan: Document): string[] {
  const index = plan['indexName'] === undefined ? '' : `(${String(plan['indexName'])})`;
  const below = [plan['inputStage'], ...((plan['inputStages'] as unknown[] | undefined) ?? [])];
  const inner = plan['queryPlan'] === undefined ? below : [plan['queryPlan']];
  return [
    ...(plan['stage'] === undefined ? [] : [`${String(plan['stage'])}${index}`]),
    ...inner.flatMap((each) => (each ? stagesOf(each as Document) : [])),
  ];
}

/** A page is 51 documents; reading far more of them than it gives is what no index fits. */
function judgePlans(plans: readonly Plan[]): Verdict {
  const scans = plans.filter(({ stages }) => stages.includes('COLLSCAN'));
  const wide = plans.filter(({ examined, returned }) => examined > 100 * Math.max(returned, 51));
  const names = (found: readonly Plan[]): string =>
    found.map(({ name, examined }) => `${name} (${show(examined)})`).join('; ');
  return {
    bench: 'scale',
    target: 'no list scans the collection, and none reads more than a hundred times what it shows',
    found:
      `${scans.length} collection scans${scans.length > 0 ? `: ${names(scans)}` : ''}; ` +
      `${wide.length} read far more${wide.length > 0 ? `: ${names(wide)}` : ''}`,
    met: scans.length + wide.length === 0,
  };
}
