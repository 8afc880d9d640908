import { InvalidData } from 'jobwright';
import { describe, expect, it } from 'vitest';
import { relativesOf, type Reach, type Scope } from '../../src/records/relations.ts';
import { createMemoryStore } from '../../src/store/memory/memoryStore.ts';
import { buildJob, newJobId } from '../store/conformance/builders.ts';
import { storeKinds, useRecordWorld } from './recordWorld.ts';

/** Letters for ids: the name of a job → the names of its parents. */
type Tree = Readonly<Record<string, readonly string[]>>;

/** Jobs that exist only as the projection has them: names → relatives by name. */
async function family(tree: Tree) {
  const store = createMemoryStore();
  const ids = new Map(Object.keys(tree).map((name) => [name, newJobId()]));
  const names = new Map([...ids].map(([name, id]) => [id, name]));
  const idOf = (name: string): string => ids.get(name) ?? name;
  const jobs = Object.entries(tree).map(([name, parents]) =>
    buildJob({ id: idOf(name), links: { child_of: parents.map(idOf) } }),
  );
  await store.project(jobs, []);
  const engine = { store, projector: { flush: () => Promise.resolve() } } as unknown as Parameters<
    typeof relativesOf
  >[0];
  return async (requested: string, scope: Scope, includeShared = false): Promise<string> => {
    const given = [...requested].map(idOf);
    const reach = await relativesOf(engine, given, { scope, includeShared });
    return show(reach, names);
  };
}

/** `ab|cd` are those above and the others; then what is left out. */
function show({ relatives, shared }: Reach, names: ReadonlyMap<string, string>): string {
  const nameAll = (ids: readonly string[]): string => ids.map((id) => names.get(id)).join('');
  const on = (sides: readonly string[]) =>
    nameAll(relatives.filter(({ side }) => sides.includes(side)).map(({ id }) => id));
  const left = shared.length > 0 ? ` without ${nameAll(shared)}` : '';
  const beside = on(['beside']);
  return `${on(['above'])}|${on(['below'])}${beside && `|${beside}`}${left}`;
}

describe('relativesOf', () => {
  const chain: Tree = { a: ['a document'], b: ['a'], c: ['b'], d: ['c'] };

  it.each([
    ['c', 'self', '|'],
    ['c', 'ancestors', 'ab|'],
    ['b', 'descendants', '|cd'],
    ['b', 'component', 'a|cd'],
    ['bd', 'component', 'ac|'],
    ['', 'component', '|'],
  ] as const)('goes from %s of a chain to its %s', async (from, scope, expected) => {
    expect(await (await family(chain))(from, scope)).toBe(expected);
  });

  it('puts every parent before its children, however they are found', async () => {
    const reach = await family({ d: ['c', 'a'], c: ['b'], b: ['a'], a: [] });
    expect(await reach('a', 'descendants')).toBe('|bcd');
    expect(await reach('d', 'ancestors')).toBe('abc|');
  });

  it('leaves out a child that has another living parent, with what is only below it', async () => {
    const reach = await family({
      a: [],
      b: [],
      c: ['a'],
      s: ['a', 'b', 'c'],
      t: ['s'],
      u: ['s', 'c', 't'],
    });
    expect(await reach('a', 'descendants')).toBe('|c without su');
    expect(await reach('a', 'descendants', true)).toBe('|cstu');
    expect(await reach('ab', 'descendants')).toBe('|cstu');
    expect(await reach('a', 'component')).toBe('|cstu|b');
  });

  it('does not take a document, or a parent that is gone, for a living one', async () => {
    const reach = await family({ a: [], c: ['a', 'a document', newJobId()] });
    expect(await reach('a', 'descendants')).toBe('|c');
  });

  it('reaches siblings and their other parents by the whole component alone', async () => {
    const reach = await family({ a: [], b: ['a'], c: ['a', 'x'], x: [], y: ['x', 'c'], z: [] });
    expect(await reach('b', 'ancestors')).toBe('a|');
    expect(await reach('b', 'component')).toBe('a||xcy');
  });

  it('ends where jobs are their own ancestors', async () => {
    const reach = await family({ a: ['c'], b: ['a'], c: ['b'], d: ['c'] });
    expect(await reach('b', 'ancestors')).toBe('ca|');
    expect(await reach('d', 'ancestors')).toBe('cab|');
    expect(await reach('a', 'component')).toBe('bc|d');
    const self = await family({ a: ['a'] });
    expect(await self('a', 'descendants')).toBe('|');
  });

  it('finds nothing around a job that does not exist', async () => {
    const store = createMemoryStore();
    const engine = { store, projector: { flush: () => Promise.resolve() } } as never;
    const reach = await relativesOf(engine, [newJobId()], { scope: 'component' });
    expect(reach).toEqual({ relatives: [], shared: [] });
  });

  it('refuses more than a hundred thousand relatives', async () => {
    const parent = newJobId();
    const engine = {
      store: {
        readRelatives: async () => [],
        async *scanChildren() {
          for (let n = 0; n <= 100_000; n += 1) yield { id: `${n}`, parents: [parent] };
        },
      },
      projector: { flush: () => Promise.resolve() },
    } as never;
    await expect(relativesOf(engine, [parent], { scope: 'descendants' })).rejects.toThrow(
      InvalidData,
    );
  });
});

describe.each(storeKinds)('relatives of records in %s', (kind) => {
  const world = useRecordWorld(kind);

  it('are known at once in the process that set them up', async () => {
    const top = await world.newRecord({ data: { awaits: 'children' } });
    const middle = await world.newRecord({ parents: top.id });
    const bottom = await world.newRecord({ parents: [middle.id] });
    const { relatives } = await relativesOf(world.manager.engine, [middle.id], {
      scope: 'component',
    });
    expect(relatives).toEqual([
      { id: top.id, type: 'record', state: 'waiting', side: 'above' },
      { id: bottom.id, type: 'record', state: 'waiting', side: 'below' },
    ]);
  });
});
