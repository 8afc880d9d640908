import { describe, expect, it } from 'vitest';
import {
  and,
  assign,
  cancel,
  emit,
  enqueueActions,
  forwardTo,
  fromPromise,
  log,
  not,
  or,
  raise,
  sendParent,
  sendTo,
  setup,
  spawnChild,
  stateIn,
  stopChild,
  type AnyStateMachine,
} from 'xstate';
import { z } from 'zod';
import { defineMachine, type MachineDefinition } from '../../src/machine/define.ts';
import { createRegistry } from '../../src/machine/registry.ts';
import { InvalidMachine, UnknownMachine } from '../../src/errors.ts';
import { anyData } from './testMachine.ts';

const effect = (): void => undefined;
const always = (): boolean => true;

/** Implementations that the machines below may name. */
const known = {
  guards: { isAdmin: always, isReady: always },
  delays: { soon: 1000 },
  actions: {
    note: effect,
    remember: assign({ seen: true }),
    choose: enqueueActions(({ enqueue }) => enqueue('note')),
    later: raise({ type: 'go' }, { delay: 'soon' as never }),
    never: raise({ type: 'go' }, { delay: 'unheardOf' as never }),
    start: spawnChild('worker' as never),
    tell: sendTo('other', { type: 'go' }),
    shout: emit({ type: 'go' }),
  },
} as const;

/** The library checks a literal configuration; here it is given what only JavaScript would give it. */
const machineOf = (config: object): AnyStateMachine =>
  setup(known as never).createMachine({ id: 'm', ...config } as never) as never;

/** A machine with one interesting state. */
const machineWith = (state: object): AnyStateMachine =>
  machineOf({ initial: 'a', states: { a: state, b: {} } });

const definition = (parts: object): MachineDefinition => ({
  name: 'test',
  version: '1',
  machine: machineWith({ on: { go: 'b' } }),
  input: anyData,
  events: { go: anyData },
  ...parts,
});

/** What is said against a definition, or nothing. */
function problemsOf(parts: object): readonly string[] {
  try {
    defineMachine(definition(parts));
    return [];
  } catch (error) {
    if (error instanceof InvalidMachine) return error.problems;
    throw error;
  }
}

describe('defineMachine', () => {
  it('gives back the definition, frozen', () => {
    const given = definition({});
    const defined = defineMachine(given);
    expect(defined).toEqual(given);
    expect(Object.isFrozen(defined)).toBe(true);
  });

  it('names the machine, its version and everything that is wrong', () => {
    const machine = machineWith({ on: { go: { actions: effect }, fly: 'b' } });
    const refused = () => defineMachine(definition({ machine }));
    expect(refused).toThrow(InvalidMachine);
    expect(refused).toThrow(
      'Machine test@1 refused: state a: event fly has no schema in events; ' +
        'state a: an inline action has no name; name it in setup({ actions }) and in effects',
    );
  });

  const reserved =
    'then catch finally constructor prototype toString valueOf toJSON hasOwnProperty isPrototypeOf ' +
    'propertyIsEnumerable toLocaleString id type typeVersion state states version token callbackUrl ' +
    'archivePath archiveDirectory data links tags context history allowedEvents send sendAll refresh ' +
    'view cancelJob issueToken revokeTokens THEN Then';

  it.each(reserved.split(' '))('refuses an event named %s', (event) => {
    const machine = machineWith({ on: { [event]: 'b' } });
    expect(problemsOf({ machine, events: { [event]: anyData } })).toEqual([
      `event ${event}: the name is reserved`,
    ]);
  });

  it.each(['__proto__', '', '1st', 'a.b', 'a b', 'a:b', '*', 'é', `a${'b'.repeat(64)}`])(
    'refuses an event named %j',
    (event) => {
      const events = Object.fromEntries([['go', anyData] as const, [event, anyData] as const]);
      expect(problemsOf({ events })).toEqual([
        `event ${JSON.stringify(event)}: must match ^[A-Za-z][A-Za-z0-9_-]{0,63}$`,
      ]);
    },
  );

  it('refuses events that differ only in case', () => {
    expect(problemsOf({ events: { go: anyData, Go: anyData } })).toEqual([
      'events go and Go differ only in case',
    ]);
  });

  it.each([undefined, null, {}, 'string'])('refuses an event whose schema is %j', (schema) => {
    expect(problemsOf({ events: { go: schema } })).toEqual(['event go has no zod schema']);
  });

  it.each([undefined, 1, '', '1st', 'a b', 'a/b', '__proto__'])('refuses the name %j', (name) => {
    expect(problemsOf({ name })).toEqual([
      `name ${JSON.stringify(name)} must match ^[A-Za-z][A-Za-z0-9_-]{0,63}$`,
    ]);
  });

  it.each([undefined, 1, '', ' 1', 'v 1', '-1', '1@2', 'x'.repeat(33)])(
    'refuses the version %j',
    (version) => {
      expect(problemsOf({ version })).toEqual([
        `version ${JSON.stringify(version)} must be a text like "1" or "1.2.0"`,
      ]);
    },
  );

  it('refuses what is no schema, no machine and no map of events', () => {
    expect(problemsOf({ input: undefined })).toEqual([
      'input must be a zod schema of the data given at set-up',
    ]);
    for (const machine of [undefined, null, {}, 'machine', { states: {} }]) {
      expect(problemsOf({ machine })).toEqual(['machine must be an XState 5 machine']);
    }
    expect(problemsOf({ events: undefined })).toEqual([
      'events must map each event to its zod schema',
    ]);
  });

  it('refuses two states of one id', () => {
    const machine = machineOf({
      initial: 'a',
      states: { a: { id: 'twin', on: { go: 'b' } }, b: { id: 'twin' } },
    });
    expect(problemsOf({ machine })).toEqual(['state id twin is used twice']);
  });
});

const inlineAction = 'an inline action has no name; name it in setup({ actions }) and in effects';
const inlineGuard = 'an inline guard has no name; name it in setup({ guards })';
const living = (action: string) => `${action} needs a living actor; use an effect`;

describe('a state is refused', () => {
  it.each<[what: string, state: object, problem: string]>([
    ['an event without a schema', { on: { fly: 'b' } }, 'event fly has no schema in events'],
    ['every event', { on: { '*': 'b' } }, 'event *: wildcards take in events without a schema'],
    [
      'any event of a kind',
      { on: { 'go.*': 'b' } },
      'event go.*: wildcards take in events without a schema',
    ],
    ['an inline guard', { on: { go: { guard: always, target: 'b' } } }, inlineGuard],
    ['one inside not', { on: { go: { guard: not(always), target: 'b' } } }, inlineGuard],
    [
      'one inside and',
      { on: { go: { guard: and(['isAdmin', always]), target: 'b' } } },
      inlineGuard,
    ],
    [
      'one inside or inside not',
      { on: { go: { guard: not(or([always, 'isReady'])), target: 'b' } } },
      inlineGuard,
    ],
    ['a guard of an eventless transition', { always: { guard: always, target: 'b' } }, inlineGuard],
    ['a guard of a delayed one', { after: { 5: { guard: always, target: 'b' } } }, inlineGuard],
    [
      'a guard of onDone',
      { initial: 'x', states: { x: { type: 'final' } }, onDone: { guard: always, target: 'b' } },
      inlineGuard,
    ],
    [
      'an unknown guard',
      { on: { go: { guard: 'isNice', target: 'b' } } },
      'guard isNice has no implementation in setup({ guards })',
    ],
    [
      'an unknown guard with parameters',
      { on: { go: { guard: { type: 'isNice', params: {} }, target: 'b' } } },
      'guard isNice has no implementation in setup({ guards })',
    ],
    [
      'a guard that every object has',
      { on: { go: { guard: 'toString', target: 'b' } } },
      'guard toString has no implementation in setup({ guards })',
    ],
    [
      'an unknown guard inside and',
      { on: { go: { guard: and(['isAdmin', 'isNice']), target: 'b' } } },
      'guard isNice has no implementation in setup({ guards })',
    ],
    ['an inline action', { on: { go: { actions: effect } } }, inlineAction],
    ['one among others', { on: { go: { actions: ['note', effect] } } }, inlineAction],
    ['one at its entry', { entry: effect }, inlineAction],
    ['one at its exit', { exit: [effect] }, inlineAction],
    [
      'one of an eventless transition',
      { always: { guard: 'isReady', actions: effect } },
      inlineAction,
    ],
    [
      'one at its start',
      { initial: { target: 'x', actions: effect }, states: { x: {} } },
      inlineAction,
    ],
    ['one of a delayed transition', { after: { 5: { actions: effect } } }, inlineAction],
    [
      'one of onDone',
      { initial: 'x', states: { x: { type: 'final' } }, onDone: { actions: effect } },
      inlineAction,
    ],
    [
      'an invocation',
      { invoke: { src: fromPromise(async () => 1) } },
      'invoke needs a living actor; use an effect',
    ],
    ['spawnChild', { entry: spawnChild('worker' as never) }, living('xstate.spawnChild')],
    ['stopChild', { exit: stopChild('worker') }, living('xstate.stopChild')],
    [
      'sendTo',
      { on: { go: { actions: sendTo('other', { type: 'go' }) } } },
      living('xstate.sendTo'),
    ],
    [
      'sendParent',
      { on: { go: { actions: sendParent({ type: 'go' }) } } },
      living('xstate.sendTo'),
    ],
    ['forwardTo', { on: { go: { actions: forwardTo('other') } } }, living('xstate.sendTo')],
    ['emit', { on: { go: { actions: emit({ type: 'go' }) } } }, living('xstate.emit')],
    [
      'spawnChild under a name',
      { entry: 'start' },
      'action start is xstate.spawnChild, which needs a living actor; use an effect',
    ],
    [
      'sendTo under a name',
      { on: { go: { actions: ['tell'] } } },
      'action tell is xstate.sendTo, which needs a living actor; use an effect',
    ],
    [
      'emit under a name',
      { exit: { type: 'shout' } },
      'action shout is xstate.emit, which needs a living actor; use an effect',
    ],
    [
      'an unknown delay',
      { after: { unheardOf: 'b' } },
      'delay unheardOf has no implementation in setup({ delays })',
    ],
    [
      'a raise with an unknown delay',
      { entry: raise({ type: 'go' }, { delay: 'unheardOf' as never }) },
      'delay unheardOf has no implementation in setup({ delays })',
    ],
    [
      'such a raise under a name',
      { entry: 'never' },
      'delay unheardOf has no implementation in setup({ delays })',
    ],
  ])('for %s', (_what, state, problem) => {
    expect(problemsOf({ machine: machineWith(state) })).toEqual([`state a: ${problem}`]);
    const inside = machineWith({ initial: 'x', states: { x: state, b: {} } });
    expect(problemsOf({ machine: inside })).toEqual([`state a.x: ${problem}`]);
  });

  it('also as the root', () => {
    const machine = machineOf({
      entry: effect,
      initial: 'a',
      states: { a: {} },
      on: { fly: '.a' },
    });
    expect(problemsOf({ machine })).toEqual([
      'state (root): event fly has no schema in events',
      `state (root): ${inlineAction}`,
    ]);
  });
});

describe('a machine is accepted', () => {
  it.each<[what: string, state: object]>([
    ['an inline assignment', { on: { go: { actions: assign({ seen: true }) } } }],
    ['an assignment under a name', { entry: 'remember', exit: { type: 'remember' } }],
    ['computed actions under a name', { on: { go: { actions: 'choose' } } }],
    ['inline computed actions', { entry: enqueueActions(({ enqueue }) => enqueue('note')) }],
    ['raise', { entry: raise({ type: 'go' }) }],
    [
      'raise with a delay',
      { entry: raise({ type: 'go' }, { delay: 5, id: 'x' }), exit: cancel('x') },
    ],
    [
      'raise with a named delay',
      { entry: ['later', raise({ type: 'go' }, { delay: 'soon' as never })] },
    ],
    ['a delayed transition', { after: { 5: 'b', soon: { target: 'b', guard: 'isReady' } } }],
    ['log', { entry: log('here') }],
    ['effects', { entry: 'note', exit: { type: 'note', params: { a: 1 } } }],
    [
      'guards',
      { on: { go: { guard: and(['isAdmin', or(['isReady', not('isAdmin')])]), target: 'b' } } },
    ],
    ['a guard with parameters', { on: { go: { guard: { type: 'isReady', params: { a: 1 } } } } }],
    ['stateIn', { on: { go: { guard: stateIn('b'), target: 'b' } } }],
    ['an eventless transition', { always: { guard: 'isReady', target: 'b' } }],
    ['a forbidden event', { on: { go: {} } }],
    [
      'history states',
      {
        initial: 'x',
        states: { x: {}, y: { type: 'history', history: 'deep' } },
        on: { go: '.y' },
      },
    ],
    ['parallel states', { type: 'parallel', states: { x: {}, y: {} }, onDone: 'b' }],
    ['a final state', { type: 'final' }],
  ])('with %s', (_what, state) => {
    const defined = defineMachine(definition({ machine: machineWith(state) }));
    expect(createRegistry([defined], new Set(['note'])).list()).toHaveLength(1);
  });

  it('with an event that only some transition inside it raises', () => {
    const machine = machineWith({ entry: raise({ type: 'tick' }), on: { tick: 'b' } });
    expect(problemsOf({ machine, events: { tick: z.undefined() } })).toEqual([]);
  });
});

describe('createRegistry', () => {
  const one = definition({});
  const withEffect = definition({ machine: machineWith({ on: { go: { actions: 'note' } } }) });

  const refusal = (definitions: readonly MachineDefinition[], handlers?: ReadonlySet<string>) => {
    try {
      createRegistry(definitions, handlers);
      return undefined;
    } catch (error) {
      return error instanceof InvalidMachine ? error.message : error;
    }
  };

  it('refuses an action without a handler, at each place', () => {
    expect(refusal([withEffect])).toBe(
      'Machine test@1 refused: state a: action note has no handler in effects',
    );
    const machine = machineWith({
      initial: { target: 'x', actions: 'note' },
      states: { x: { type: 'final', entry: 'note', exit: { type: 'note' } } },
      onDone: { target: 'b', actions: 'note' },
      after: { 5: { actions: 'note' } },
      always: { guard: 'isReady', actions: ['note', 'remember', 'choose'] },
    });
    expect(refusal([definition({ machine })])).toBe(
      'Machine test@1 refused: ' +
        [
          ...Array.from({ length: 4 }, () => 'state a: action note has no handler in effects'),
          ...Array.from({ length: 2 }, () => 'state a.x: action note has no handler in effects'),
        ].join('; '),
    );
  });

  it('takes a handler of the definition, or one that is there for all', () => {
    const handled = { ...withEffect, effects: { note: effect } };
    expect(createRegistry([handled]).list()).toHaveLength(1);
    expect(createRegistry([withEffect], new Set(['note'])).list()).toHaveLength(1);
  });

  it('takes no handler that only every object has', () => {
    const machine = machineWith({ entry: 'valueOf' });
    expect(refusal([definition({ machine, effects: {} })])).toBe(
      'Machine test@1 refused: state a: action valueOf has no handler in effects',
    );
  });

  it('refuses two definitions of one name and version', () => {
    expect(refusal([one, { ...one }])).toBe('Machine test@1 refused: registered twice');
  });

  it('refuses what defineMachine refuses, however it came here', () => {
    expect(refusal([{ ...one, machine: machineWith({ entry: effect }) }])).toBe(
      `Machine test@1 refused: state a: ${inlineAction}`,
    );
    expect(refusal([{ ...one, machine: {} as AnyStateMachine }])).toBe(
      'Machine test@1 refused: machine must be an XState 5 machine',
    );
  });

  it('gives the last registered version of a name, or the one that is asked for', () => {
    const two = { ...one, version: '2' };
    const other = { ...one, name: 'other' };
    const registry = createRegistry([two, one, other]);
    expect(registry.get('test').version).toBe('1');
    expect(registry.get('test', '2').definition).toBe(two);
    expect(registry.find('test', '3')).toBeUndefined();
    expect(registry.list().map(({ name, version }) => `${name}@${version}`)).toEqual([
      'test@2',
      'test@1',
      'other@1',
    ]);
    expect(() => registry.get('third')).toThrow(UnknownMachine);
    expect(() => registry.get('third')).toThrow('Unknown machine third; registered: test, other.');
    expect(() => registry.get('test', '3')).toThrow(
      'Unknown machine test@3; registered: test@2, test@1, other@1.',
    );
  });

  it('knows an event in any case, its one target, and whether only an admin may send it', () => {
    const machine = machineOf({
      initial: 'a',
      states: {
        a: {
          on: {
            Go: 'b',
            wipe: { guard: and(['isAdmin', 'isReady']), target: 'b' },
            mend: [
              { guard: 'isAdmin', target: 'b' },
              { guard: 'isReady', target: 'a' },
            ],
            skip: { guard: or(['isAdmin', 'isReady']), target: 'b' },
          },
        },
        b: { on: { Go: 'b', wipe: {}, mend: { guard: 'isAdmin', target: 'a' } } },
      },
    });
    const events = Object.fromEntries(
      'Go wipe mend skip'.split(' ').map((name) => [name, anyData]),
    );
    const registered = createRegistry([definition({ machine, events })]).get('test');
    expect([...registered.eventNames]).toEqual([
      ['go', 'Go'],
      ['wipe', 'wipe'],
      ['mend', 'mend'],
      ['skip', 'skip'],
    ]);
    expect([...registered.adminEvents]).toEqual(['wipe']);
    expect([...registered.onlyTarget]).toEqual([
      ['Go', 'b'],
      ['wipe', 'b'],
      ['skip', 'b'],
    ]);
  });
});
