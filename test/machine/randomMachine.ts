import fc from 'fast-check';
import { and, assign, cancel, not, or, raise, setup, type AnyStateMachine } from 'xstate';

/** Events that anybody may send, then those that the machine raises itself, at once or later. */
export const sendable = ['e0', 'e1', 'e2', 'e3'] as const;
const raisedAtOnce = ['r0', 'r1'] as const;
const raisedLater = ['d0', 'd1'] as const;
export const allEvents = [...sendable, ...raisedAtOnce, ...raisedLater];

interface State {
  readonly kind: 'atomic' | 'compound' | 'parallel' | 'final' | 'shallow' | 'deep';
  readonly children: readonly State[];
  readonly on: readonly (readonly [event: string, Way[]])[];
  readonly after: readonly Way[];
  readonly always: readonly Way[];
  readonly done: readonly Way[];
  readonly entry: readonly string[];
  readonly exit: readonly string[];
}

/** A transition; its target is a number that is taken modulo the count of states. */
interface Way {
  readonly guard: number;
  readonly target: number | null;
  readonly reenter: boolean;
  readonly actions: readonly string[];
}

const guards = [
  undefined,
  undefined,
  'isAdmin',
  'isBig',
  'isEven',
  { type: 'isOver', params: { least: 2 } },
  and(['isAdmin', 'isBig']),
  or(['isBig', 'isEven']),
  not('isAdmin'),
] as const;

const marks = ['mark1', 'mark2', 'mark3', 'effect1', 'effect2'];
const raises = ['raiseR0', 'raiseR1', 'raiseD0', 'raiseD1', 'cancelD0'];

const way = (actions: readonly string[], targetless: boolean): fc.Arbitrary<Way> =>
  fc.record({
    guard: fc.nat({ max: guards.length - 1 }),
    target: targetless ? fc.option(fc.nat(), { freq: 5 }) : fc.nat(),
    reenter: fc.boolean(),
    actions: fc.subarray([...actions], { maxLength: 2 }),
  });

const ways = (actions: readonly string[]) => fc.array(way(actions, true), { maxLength: 2 });

const on = fc
  .tuple(
    fc.array(fc.tuple(fc.constantFrom(...sendable), ways([...marks, ...raises])), { maxLength: 4 }),
    // What was raised raises nothing more, so no event goes on for ever.
    fc.array(fc.tuple(fc.constantFrom(...raisedAtOnce, ...raisedLater), ways(marks)), {
      maxLength: 2,
    }),
  )
  .map((both) => both.flat());

const state = (depth: number): fc.Arbitrary<State> => {
  const nested = depth >= 3 ? [] : (['compound', 'compound', 'parallel'] as const);
  const kind: fc.Arbitrary<State['kind']> = fc.constantFrom(
    ...(['atomic', 'atomic', 'atomic', 'final', 'shallow', 'deep'] as const),
    ...nested,
  );
  return kind.chain((drawn) => {
    const hasChildren = drawn === 'compound' || drawn === 'parallel';
    return stateOfKind(depth === 0 ? 'compound' : drawn, hasChildren || depth === 0 ? depth : null);
  });
};

const stateOfKind = (kind: State['kind'], depth: number | null): fc.Arbitrary<State> =>
  fc.record({
    kind: fc.constant(kind),
    children:
      depth === null
        ? fc.constant([])
        : fc.array(state(depth + 1), { minLength: 2, maxLength: depth === 0 ? 5 : 3 }),
    on,
    after: fc.array(way(marks, true), { maxLength: 1 }),
    always: fc.oneof(
      { weight: 3, arbitrary: fc.constant([]) },
      fc.array(way(marks, false), { maxLength: 1 }),
    ),
    done: ways(marks),
    entry: fc.subarray(marks, { maxLength: 1 }),
    exit: fc.subarray(marks, { maxLength: 1 }),
  });

const rootOf = (drawn: State, kind: 'compound' | 'parallel'): State => ({
  ...drawn,
  kind,
  always: [],
  after: [],
});

const configBelow = (root: State): object => configOf(root, pathsBelow(root, []), 1);

/** Any machine of up to four levels, with all that a machine may have, as what is given to the library. */
export const randomConfig: fc.Arbitrary<object> = fc
  .tuple(state(0), fc.constantFrom('compound', 'parallel'))
  .map(([drawn, kind]) => configBelow(rootOf(drawn, kind)));

/** The same without parallel and history states. */
export const randomPlainConfig: fc.Arbitrary<object> = state(0).map((drawn) =>
  configBelow(plain(rootOf(drawn, 'compound'))),
);

function plain(drawn: State): State {
  const kind = drawn.kind === 'parallel' ? 'compound' : drawn.kind;
  const isHistory = kind === 'shallow' || kind === 'deep';
  return { ...drawn, kind: isHistory ? 'atomic' : kind, children: drawn.children.map(plain) };
}

/** The machine of such a configuration. */
export function machineOf(config: object): AnyStateMachine {
  const context: Context = { trail: 0, marks: [0, 0, 0], steps: 0 };
  // The library types a configuration by its literal text, which a drawn one does not have.
  return shell.createMachine({
    ...config,
    id: 'm',
    context,
  } as never) as unknown as AnyStateMachine;
}

const keyOf = (index: number): string => `s${index}`;

function pathsBelow(state: State, path: readonly string[]): string[] {
  return state.children.flatMap((child, index) => {
    const below = [...path, keyOf(index)];
    return [below.join('.'), ...pathsBelow(child, below)];
  });
}

function configOf(state: State, paths: readonly string[], delay: number): object {
  const wayOf = ({ guard, target, reenter, actions }: Way) => ({
    ...(guards[guard] !== undefined && { guard: guards[guard] }),
    ...(target !== null && { target: `#m.${paths[target % paths.length]}`, reenter }),
    // One timer an event, as the library would let two of one id run on.
    actions: actions.flatMap((name) =>
      name.startsWith('raiseD') ? [`cancel${name.slice(5)}`, name] : [name],
    ),
  });
  if (state.kind === 'shallow' || state.kind === 'deep') {
    return { type: 'history', history: state.kind };
  }
  const actions = {
    entry: [...state.entry],
    ...(state.kind !== 'final' && { exit: [...state.exit] }),
  };
  if (state.kind === 'final') return { type: 'final', ...actions };
  const nested = state.kind !== 'atomic';
  // What happens by itself runs dry, so that none goes on for ever.
  const dry = (each: Way) => ({
    ...wayOf(each),
    guard: 'isYoung',
    actions: [...each.actions, 'age'],
  });
  return {
    ...actions,
    on: Object.fromEntries(
      // An event with no way at all is forbidden.
      state.on.map(([event, all]) => [event, all.length > 0 ? all.map(wayOf) : {}]),
    ),
    after: Object.fromEntries(
      state.after.map((each, index) => [1009 * delay + index, wayOf(each)]),
    ),
    always: state.always.map(dry),
    ...(nested && {
      onDone: state.done.map(dry),
      ...nestedConfig(state, paths, delay),
    }),
  };
}

function nestedConfig(state: State, paths: readonly string[], delay: number): object {
  const first = state.children.findIndex(({ kind }) => kind !== 'shallow' && kind !== 'deep');
  const children = state.children.map((child, index) => configOf(child, paths, delay * 3 + index));
  // A state of nothing but history states has nowhere to start.
  const usable = first < 0 ? [{}, ...children.slice(1)] : children;
  return {
    ...(state.kind === 'parallel' ? { type: 'parallel' } : { initial: keyOf(Math.max(first, 0)) }),
    states: Object.fromEntries(usable.map((child, index) => [keyOf(index), child])),
  };
}

interface Context {
  /** Tells the order of what happened. */
  readonly trail: number;
  readonly marks: readonly number[];
  readonly steps: number;
}

const mark = (place: number) =>
  assign(({ context }: { context: Context }) => ({
    trail: (context.trail * 7 + place) % 1_000_003,
    marks: context.marks.map((count, index) => (index === place - 1 ? count + 1 : count)),
  }));

interface Sent {
  readonly type: string;
  readonly actor?: { readonly kind: string };
  readonly data?: { readonly n?: number } | undefined;
}

const effect = (): void => undefined;

const shell = setup({
  types: { context: {} as Context, events: {} as Sent },
  guards: {
    isAdmin: ({ event }) => event.actor?.kind === 'admin',
    isBig: ({ event }) => (event.data?.n ?? 0) > 1,
    isEven: ({ context }) => context.trail % 2 === 0,
    isOver: ({ context }, { least }: { least: number }) => context.marks[0]! > least,
    isYoung: ({ context }) => context.steps < 8,
  },
  actions: {
    mark1: mark(1) as never,
    mark2: mark(2) as never,
    mark3: mark(3) as never,
    age: assign({ steps: ({ context }) => context.steps + 1 }),
    effect1: effect,
    effect2: effect,
    raiseR0: raise({ type: 'r0' }),
    raiseR1: raise({ type: 'r1' }),
    raiseD0: raise({ type: 'd0' }, { delay: 500, id: 'd0' }),
    raiseD1: raise({ type: 'd1' }, { delay: 2500, id: 'd1' }),
    cancelD0: cancel('d0'),
    cancelD1: cancel('d1'),
  },
});
