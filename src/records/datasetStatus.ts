import type { Engine } from '../jobs/engine.ts';
import { findDataset } from './datasetCare.ts';

export interface DatasetStatus {
  readonly name: string;
  /** How many entries there are, with or without records. */
  readonly entries: number;
  /** Specification → dotted state → number of records; `gone` are those deleted for good. */
  readonly counts: Readonly<Record<string, Readonly<Record<string, number>>>>;
  /** The same as text, a line for each specification. */
  readonly table: string;
}

/** How states stand beside each other; others follow by name. */
const displayOrder = ['complete', 'error', 'running', 'waiting', 'cancelled', 'invalid', 'deleted'];
const gone = 'gone';

/** May lag as every list does. */
export async function readStatus(engine: Engine, name: string): Promise<DatasetStatus> {
  const { specifications } = await findDataset(engine, name);
  await engine.projector.flush();
  const { store } = engine;
  const [counted, entries] = await Promise.all([store.countItems(name), store.countEntries(name)]);
  const rows = [...new Set([...Object.keys(specifications), ...Object.keys(counted)])].sort();
  const counts = rows.map((row) => {
    const { '': removed, ...states } = counted[row] ?? {};
    return [row, removed === undefined ? states : { ...states, [gone]: removed }] as const;
  });
  return { name, entries, counts: Object.fromEntries(counts), table: tableOf(counts) };
}

function tableOf(rows: readonly (readonly [string, Readonly<Record<string, number>>])[]): string {
  const found = new Set(rows.flatMap(([, states]) => Object.keys(states)));
  const others = [...found].filter((state) => !displayOrder.includes(state) && state !== gone);
  const ends = found.has(gone) ? [gone] : [];
  const columns = [...displayOrder, ...others.sort(), ...ends];
  const cells = [
    ['specification', ...columns],
    ...rows.map(([name, states]) => [name, ...columns.map((state) => String(states[state] ?? 0))]),
  ];
  const widths = ['', ...columns].map((_column, place) =>
    Math.max(...cells.map((row) => row[place]?.length ?? 0)),
  );
  return cells
    .map(([name = '', ...numbers]) =>
      [
        name.padEnd(widths[0] ?? 0),
        ...numbers.map((number, place) => number.padStart(widths[place + 1] ?? 0)),
      ].join('  '),
    )
    .join('\n');
}
