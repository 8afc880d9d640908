import type { Command } from 'commander';
import type { BulkAnswer, BulkPlan, BulkRequest, BulkRunView } from '../../client/bulk.ts';
import type { JobwrightClient } from '../../client/jobwrightClient.ts';
import { JobError } from '../../errors.ts';
import { canAsk, confirm } from '../confirm.ts';
import { exitCodes } from '../exitCode.ts';
import type { CommandContext, Io } from '../io.ts';
import { createView, print, type View } from '../print.ts';
import { openClient } from '../service.ts';
import { showText } from '../showText.ts';
import { readRequest, type RequestOptions } from './readRequest.ts';

export interface BulkOptions extends RequestOptions {
  readonly yes?: boolean;
  readonly wait: boolean;
}

/** As many ids as are acted on without a plan. */
const unplanned = 1_000;
/** Seconds, after which progress is shown. */
const patience = 2;

/** Shows what an operation would do. */
export async function plan(
  io: Io,
  op: string,
  ids: readonly string[],
  options: RequestOptions,
): Promise<void> {
  const request = await readRequest(io, op, ids, options);
  const client = await openFor(io, options, request);
  const made = await client.bulk.plan(request, { signal: io.signal });
  print(io, options, made, (view) => showPlan(view, made));
}

/** Does an operation; one for many, for a filter or for good once its plan is agreed to. */
export async function run(
  context: CommandContext,
  command: Command,
  asked: {
    readonly op: string;
    readonly ids: readonly string[];
    readonly options: BulkOptions;
  },
): Promise<void> {
  const { io, exit } = context;
  const { options } = asked;
  const request = await readRequest(io, asked.op, asked.ids, options);
  const client = await openFor(io, options, request);
  const agree = async () => agreed(context, command, client, { request, options });
  const wait = options.wait ? patience : 0;
  const begin = (planned: BulkRequest) => client.bulk.run(planned, { signal: io.signal, wait });
  let answer: BulkAnswer | undefined;
  if (isGrave(request)) {
    const planned = await agree();
    answer = planned && (await begin(planned));
  } else {
    try {
      answer = await begin(request);
    } catch (error) {
      // Its scope reaches further than was known here.
      if (!(error instanceof JobError) || error.code !== 'PLAN_REQUIRED') throw error;
      const planned = await agree();
      answer = planned && (await begin(planned));
    }
  }
  if (!answer) return;
  const last = options.wait ? await followed(io, client, answer) : answer;
  print(io, options, last, (view) => showRun(view, last));
  const isAllDone = last.counts.refused === 0 && last.counts.relatives.refused === 0;
  if (options.wait && !(isAllDone && last.state === 'finished')) exit(exitCodes.refused);
}

const openFor = (io: Io, options: RequestOptions, request: BulkRequest): Promise<JobwrightClient> =>
  openClient(io, options, options.asAdmin || isForGood(request) ? 'admin' : 'operator');

const isForGood = ({ op, data }: BulkRequest): boolean =>
  op.toLowerCase() === 'delete' && data?.['hard'] === true;

const isGrave = (request: BulkRequest): boolean =>
  request.q !== undefined || (request.ids?.length ?? 0) > unplanned || isForGood(request);

/** The request with its plan; undefined where that was declined. */
async function agreed(
  { io, exit }: CommandContext,
  command: Command,
  client: JobwrightClient,
  { request, options }: { readonly request: BulkRequest; readonly options: BulkOptions },
): Promise<BulkRequest | undefined> {
  const { yes } = options;
  if (!yes && !canAsk(io)) {
    command.error('error: this asks first, and there is no terminal to ask on; add --yes');
  }
  const made = await client.bulk.plan(request, { signal: io.signal });
  const planned = { ...request, plan: made.plan };
  if (yes) return planned;
  showPlan(createView({ ...io, stdout: io.stderr }), made);
  const { counts } = made;
  const others = counts.relatives.updated > 0 ? ` and ${counts.relatives.updated} relatives` : '';
  const question = `${showText(request.op)} ${counts.updated} jobs${others}?`;
  if (await confirm(io, question)) return planned;
  io.signal.throwIfAborted();
  io.stderr.write('nothing was done\n');
  exit(exitCodes.failure);
  return undefined;
}

/** The run at its end; until then it is told how far it is. */
async function followed(
  io: Io,
  client: JobwrightClient,
  answer: BulkAnswer,
): Promise<BulkAnswer | BulkRunView> {
  let last: BulkAnswer | BulkRunView = answer;
  if (answer.run === null || answer.outcomes || ended.has(answer.state)) return answer;
  for await (const view of client.bulk.follow(answer.run, { signal: io.signal })) {
    last = view;
    const { done, total } = view.progress;
    io.stderr.write(`${showText(view.state)}: ${done} of ${total}\n`);
  }
  return last;
}
const ended = new Set(['finished', 'stopped', 'failed']);

function showPlan(view: View, { matched, counts, byState, sample, expiresAt }: BulkPlan): void {
  view.pairs([
    ['jobs', String(matched)],
    ...showCounts(counts),
    ...(Object.keys(byState).length > 0 ? [['states', showNumbers(byState)] as const] : []),
    ['holds until', expiresAt],
  ]);
  if (sample.length === 0) return;
  const rows = sample.map(({ index, id, outcome, state = '', code = '' }) => [
    String(index),
    id,
    outcome,
    state,
    code,
  ]);
  view.table(['index', 'id', 'outcome', 'state', 'code'], rows);
}

export function showRun(view: View, answer: BulkAnswer | BulkRunView): void {
  const { run: id, state, progress, counts } = answer;
  view.pairs([
    ['run', id ?? 'none: there was nothing to do'],
    ['state', state],
    ['done', `${progress.done} of ${progress.total}`],
    ...showCounts(counts),
  ]);
}

function showCounts({
  updated,
  unchanged,
  refused,
  byCode,
  relatives,
}: BulkAnswer['counts']): (readonly [string, string])[] {
  const hasRelatives = Object.values(relatives).some((jobs) => jobs > 0);
  return [
    ['updated', String(updated)],
    ['unchanged', String(unchanged)],
    ['refused', String(refused)],
    ...(Object.keys(byCode).length > 0 ? [['why', showNumbers(byCode)] as const] : []),
    ...(hasRelatives ? [['relatives', showNumbers({ ...relatives })] as const] : []),
  ];
}

const showNumbers = (numbers: Readonly<Record<string, number>>): string =>
  Object.entries(numbers)
    .filter(([, jobs]) => jobs > 0)
    .map(([name, jobs]) => `${name} ${jobs}`)
    .join(', ');
