import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { and, assign, enqueueActions, not, or, raise, setup, stateIn } from 'xstate';
import { approval } from '../../docs/examples/approval/approval.ts';
import { pipelineJob } from '../../machines/pipelineJob.ts';
import { mermaid, transitionTable } from '../../src/machine/diagram.ts';
import { stateId, stateNodes } from '../../src/machine/checkMachine.ts';
import { allEvents, machineOf, randomConfig } from './randomMachine.ts';
import { definitionOf } from './testMachine.ts';

const effect = (): void => undefined;

const shell = setup({
  guards: { isAdmin: () => true, isOver: (_, _params: { least: number }) => true },
  delays: { patience: 1000 },
  actions: {
    note: effect,
    mail: (_, _params: { to: string }) => undefined,
    count: assign({}),
    choose: enqueueActions(() => undefined) as never,
  },
});

const diagramOf = (config: object, events: string): readonly string[] =>
  mermaid(definitionOf(shell.createMachine({ id: 'm', ...config } as never) as never, events))
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.slice(2));

const tableOf = (config: object, events: string): readonly string[] =>
  transitionTable(
    definitionOf(shell.createMachine({ id: 'm', ...config } as never) as never, events),
  )
    .trimEnd()
    .split('\n')
    .slice(2);

describe('the diagram of a machine', () => {
  it('shows nested and parallel states, guards, effects and delays', () => {
    expect(mermaid(approval)).toBe(`stateDiagram-v2
  [*] --> draft
  state review {
    state "legal" as review__legal {
      [*] --> review__legal__open
      state "open" as review__legal__open
      state "approved" as review__legal__approved
      state "rejected" as review__legal__rejected
      review__legal__open --> review__legal__approved : approveLegal [isIndependent]
      review__legal__open --> review__legal__rejected : rejectLegal [isIndependent]
      review__legal__approved --> [*]
    }
    --
    state "technical" as review__technical {
      [*] --> review__technical__open
      state "open" as review__technical__open
      state "approved" as review__technical__approved
      review__technical__open --> review__technical__approved : approveTechnical [isIndependent]
      review__technical__approved --> [*]
    }
  }
  draft --> review : submit [isAuthor]
  draft --> withdrawn : withdraw [isAuthor or isAdmin]
  review --> draft : revise [isAuthor]
  review --> withdrawn : withdraw [isAuthor or isAdmin]
  review --> published : done / fileNotice
  review --> review : after 7 days / fileNotice
  published --> [*]
  withdrawn --> [*]
`);
  });

  it('says on one arrow what leads from one state to another, and once what leads there from all', () => {
    const stop = { guard: 'isAdmin', target: '.c', actions: 'note' };
    const config = {
      initial: 'a',
      states: {
        a: { on: { go: 'b', run: 'b', jump: { guard: 'isAdmin', target: 'b' }, end: 'd' } },
        b: { on: { go: 'b', wait: { actions: 'note' }, end: 'd' } },
        c: { on: { end: 'd' } },
        d: { type: 'final' },
      },
      on: { stop },
    };
    expect(diagramOf(config, 'go run jump wait end stop')).toEqual([
      '[*] --> a',
      'a --> b : go, run<br/>jump [isAdmin]',
      'b --> b : go<br/>wait / note',
      'd --> [*]',
      'state "any state" as any_state',
      'any_state --> c : stop [isAdmin] / note',
      'any_state --> d : end',
    ]);
  });

  it.each<[what: string, transition: object, label: string]>([
    [
      'a combination of guards',
      { guard: and(['isAdmin', or([not('isAdmin'), stateIn('a')])]) },
      'go [isAdmin and (not isAdmin or in a)]',
    ],
    [
      'a negated combination',
      { guard: not(and(['isAdmin', stateIn({ a: 'b' })])) },
      'go [not (isAdmin and in #123;#34;a#34;:#34;b#34;#125;)]',
    ],
    [
      'parameters',
      {
        guard: { type: 'isOver', params: { least: 2 } },
        actions: { type: 'mail', params: { to: 'a|b;c' } },
      },
      'go [isOver(least: 2)] / mail(to: #34;a#124;b#59;c#34;)',
    ],
    [
      'computed parameters',
      { actions: { type: 'mail', params: () => ({ to: 'x' }) } },
      'go / mail',
    ],
    [
      'effects without assignments',
      { actions: ['count', 'note', assign({}), 'choose'] },
      'go / note, choose',
    ],
    [
      'raised events',
      { actions: [raise({ type: 'go' }), raise({ type: 'go' }, { delay: 90_000 })] },
      'go / raise go, raise go after 1 minute 30 seconds',
    ],
    [
      'a named delay',
      { actions: raise({ type: 'go' }, { delay: 'patience' as never }) },
      'go / raise go after patience',
    ],
    ['computed actions', { actions: enqueueActions(() => undefined) }, 'go / actions as it goes'],
    ['what is entered anew', { reenter: true }, 'go (entered anew)'],
  ])('names %s', (_what, transition, label) => {
    const config = {
      initial: 'a',
      states: { a: { on: { go: { target: 'b', ...transition } } }, b: {} },
    };
    expect(diagramOf(config, 'go')).toContain(`a --> b : ${label}`);
  });

  it.each([
    [0, '0 milliseconds'],
    [1, '1 millisecond'],
    [1500, '1 second 500 milliseconds'],
    [7_200_000, '2 hours'],
    [90_061_001, '1 day 1 hour 1 minute 1 second 1 millisecond'],
    ['patience', 'patience'],
  ])('says a delay of %s as %s', (delay, text) => {
    const config = { initial: 'a', states: { a: { after: { [delay]: 'b' } }, b: {} } };
    expect(diagramOf(config, 'go')).toContain(`a --> b : after ${text}`);
  });

  it('shows entry and exit, eventless transitions, the end of a nested state, and history', () => {
    const config = {
      initial: { target: 'a', actions: 'note' },
      states: {
        a: { entry: 'note', exit: ['count', 'note'], always: { guard: 'isAdmin', target: 'b' } },
        b: {
          entry: 'note',
          initial: 'x',
          states: {
            x: { on: { go: 'y', back: '#m.c' } },
            y: { type: 'final' },
            h: { type: 'history', history: 'deep' },
          },
          onDone: 'c',
        },
        c: { on: { back: 'b.h' } },
      },
    };
    expect(diagramOf(config, 'go back')).toEqual([
      '[*] --> a : / note',
      'state "a" as a',
      'a : entry / note',
      'a : exit / note',
      'state "b (entry / note)" as b {',
      '  [*] --> b__x',
      '  state "x" as b__x',
      '  state "y" as b__y',
      '  state "H*" as b__h',
      '  b__x --> b__y : go',
      '  b__y --> [*]',
      '}',
      'a --> b : always [isAdmin]',
      'b --> c : done',
      'b__x --> c : back',
      'c --> b__h : back',
    ]);
  });

  it('leaves out what a state forbids', () => {
    const config = { initial: 'a', states: { a: { on: { go: {} } } } };
    expect(diagramOf(config, 'go')).toEqual(['[*] --> a', 'a']);
  });

  it('gives every state an id that Mermaid can read, and no other state has', () => {
    const names = ['note', 'State', 'end', 'a b', 'a-b', 'a_b', 'root_start', 'x"y'];
    const states = Object.fromEntries(names.map((name) => [name, {}]));
    expect(diagramOf({ initial: 'note', states }, 'go')).toEqual([
      '[*] --> note_2',
      'state "note" as note_2',
      'state "State" as State_2',
      'state "end" as end_2',
      'state "a b" as a_b',
      'state "a-b" as a_b_2',
      'state "a_b" as a_b_3',
      'state "root_start" as root_start_2',
      'state "x#34;y" as x_y',
    ]);
  });

  it('puts a parallel machine into one state', () => {
    const config = {
      type: 'parallel',
      states: { a: { on: { go: '#m.b.x' } }, b: { initial: 'x', states: { x: {} } } },
      on: { stop: '.b' },
    };
    expect(diagramOf(config, 'go stop')).toEqual([
      '[*] --> m',
      'state m {',
      '  a',
      '  --',
      '  state b {',
      '    [*] --> b__x',
      '    state "x" as b__x',
      '  }',
      '}',
      'a --> b__x : go',
      'm --> b : stop',
    ]);
  });
});

describe('the table of a machine', () => {
  it('has a row for each state, and one for what holds in any', () => {
    const config = {
      initial: 'a',
      states: {
        a: {
          entry: 'note',
          on: {
            go: 'b',
            run: [
              { guard: 'isAdmin', target: 'b', actions: 'note' },
              { target: 'a', reenter: true },
            ],
            wait: { actions: 'count' },
            stop: {},
          },
          after: { 1000: 'c' },
        },
        b: { type: 'parallel', states: { x: {}, y: { on: { go: ['#m.c', '#m.a'] } } } },
        c: { type: 'final' },
      },
      on: { stop: { actions: { type: 'mail', params: { to: 'a|b' } } } },
    };
    expect(tableOf(config, 'go run wait stop')).toEqual([
      '| any state | stop → stays / mail(to: "a\\|b") |',
      '| a (initial) | entry / note<br>go → b, wait → stays, stop → refused, after 1 second → c<br>run [isAdmin] → b / note<br>run → a (entered anew) |',
      '| b.x | – |',
      '| b.y | go → c, go → a |',
      '| c (final) | – |',
    ]);
  });

  it('lists all 43 legal pairs of pipelineJob', () => {
    const lines = transitionTable(pipelineJob).trimEnd().split('\n').slice(2);
    const pairs = lines.flatMap((line) => {
      const [, from = '', entries = ''] = /^\| (\w+).*? \| (.*) \|$/.exec(line) ?? [];
      const found = entries.matchAll(/(\w+)(?: \[[^\]]*\])? → (\w+)/g);
      return [...found].map(([, event, to]) => `${from} ${event} ${to}`);
    });
    expect(new Set(pairs).size).toBe(43);
  });
});

describe('any machine', () => {
  const line =
    /^(\[\*\] --> \w+( : .+)?|state ("[^"]+" as )?\w+( \{)?|\}|--|\w+ --> (\w+ : .+|\[\*\])|\w+( : .+)?)$/;

  it('has a diagram of lines that Mermaid knows, with one arrow from each state to each', () => {
    fc.assert(
      fc.property(randomConfig, (config) => {
        const definition = definitionOf(machineOf(config), allEvents.join(' '));
        const lines = mermaid(definition)
          .trimEnd()
          .split('\n')
          .slice(1)
          .map((text) => text.trim());
        expect(lines.filter((text) => !line.test(text))).toEqual([]);
        expect(lines.filter((text) => text.endsWith('{'))).toHaveLength(
          lines.filter((text) => text === '}').length,
        );
        const arrows = lines.flatMap((text) => /^\w+ --> \w+(?= : )/.exec(text) ?? []);
        expect(new Set(arrows).size).toBe(arrows.length);
      }),
    );
  });

  it('has the same diagram and table every time, and each of its states in both', () => {
    fc.assert(
      fc.property(randomConfig, (config) => {
        const [one, again] = [config, config].map((each) =>
          definitionOf(machineOf(each), allEvents.join(' ')),
        );
        expect(mermaid(one!)).toBe(mermaid(again!));
        expect(transitionTable(one!)).toBe(transitionTable(again!));
        for (const node of stateNodes(one!.machine)) {
          if (node.type !== 'atomic') continue;
          expect(transitionTable(one!)).toContain(`| ${stateId(node)}`);
          expect(mermaid(one!)).toMatch(new RegExp(`\\b${node.path.join('__')}\\b`));
        }
      }),
    );
  });
});
