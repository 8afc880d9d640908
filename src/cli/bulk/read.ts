import type { Io } from '../io.ts';
import { createView, print } from '../print.ts';
import { openClient, type ServiceOptions } from '../service.ts';
import { showJson } from '../showText.ts';
import { showRun } from './run.ts';

export interface ReadOptions extends ServiceOptions {
  readonly limit?: number;
  readonly cursor?: string;
}

/** A page of runs. */
export async function list(io: Io, options: ReadOptions): Promise<void> {
  const { limit, cursor } = options;
  const client = await openClient(io, options);
  const page = await client.bulk.list({ limit, cursor }, { signal: io.signal });
  print(io, options, page, (view) => {
    const rows = page.runs.map(({ run, op, state, progress, counts, by, createdAt }) => [
      run,
      op,
      state,
      `${progress.done} of ${progress.total}`,
      String(counts.updated),
      String(counts.refused),
      `${by.kind} ${by.id}`,
      createdAt,
    ]);
    view.table(['run', 'op', 'state', 'done', 'updated', 'refused', 'by', 'created'], rows);
    if (page.next !== undefined) io.stderr.write(`there are more: --cursor ${page.next}\n`);
  });
}

/** A run as it is now. */
export async function show(io: Io, run: string, options: ServiceOptions): Promise<void> {
  const client = await openClient(io, options);
  const view = await client.bulk.read(run, { signal: io.signal });
  print(io, options, view, (shown) => {
    const { op, scope, reason, by, createdAt } = view;
    showRun(shown, view);
    shown.pairs([
      ['operation', op],
      ['scope', scope],
      ...(reason === null ? [] : [['reason', reason] as const]),
      ['by', `${by.kind} ${by.id}`],
      ['created', createdAt],
    ]);
  });
}

/** Each outcome on a line of its own, as it comes. */
export async function outcomes(io: Io, run: string, options: ServiceOptions): Promise<void> {
  const client = await openClient(io, options);
  const isForPerson = io.stdout.isTTY === true && !options.json;
  const view = createView(io);
  for await (const each of client.bulk.outcomes(run, { signal: io.signal })) {
    const { index, id, outcome, state = '', code = '' } = each;
    if (isForPerson) view.line(`${index}  ${id}  ${outcome}  ${state}  ${code}`.trimEnd());
    else io.stdout.write(`${showJson(each)}\n`);
  }
}

/** Ends a run. */
export async function stop(
  io: Io,
  run: string,
  options: ServiceOptions & { readonly reason?: string },
): Promise<void> {
  const { reason } = options;
  const client = await openClient(io, options);
  const input = reason === undefined ? {} : { reason };
  const view = await client.bulk.stop(run, input, { signal: io.signal });
  print(io, options, view, (shown) => showRun(shown, view));
}
