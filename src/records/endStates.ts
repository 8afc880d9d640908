import type { RegisteredMachine, Registry } from '../machine/registry.ts';

/** Machine → its dotted states in which a parent takes a job for ended: well, or not. */
export type EndStates = Readonly<
  Record<string, { well: readonly string[]; badly: readonly string[] }>
>;

const known = new WeakMap<Registry, EndStates>();

/** Of all machines whose jobs can end; those of others are not waited for. */
export function endStates(registry: Registry): EndStates {
  const found = known.get(registry) ?? readAll(registry);
  known.set(registry, found);
  return found;
}

/** Versions of one machine together: a state's name means the same in all. */
function readAll(registry: Registry): EndStates {
  const all = new Map<string, { well: readonly string[]; badly: readonly string[] }>();
  for (const machine of registry.list()) {
    const { well, badly } = machine.definition.ends ?? { well: finalStates(machine), badly: [] };
    const earlier = all.get(machine.name) ?? { well: [], badly: [] };
    const ends = { well: [...earlier.well, ...well], badly: [...earlier.badly, ...badly] };
    if (ends.well.length + ends.badly.length > 0) all.set(machine.name, ends);
  }
  return Object.fromEntries(all);
}

const finalStates = ({ machine }: RegisteredMachine): string[] =>
  Object.entries(machine.root.states as Readonly<Record<string, { readonly type: string }>>)
    .filter(([, { type }]) => type === 'final')
    .map(([name]) => name);
