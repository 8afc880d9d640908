import { assign, setup, type AnyStateMachine } from 'xstate';
import type { MachineEvent } from '../../src/machine/event.ts';
import type { Timer } from '../../src/machine/step.ts';
import { at, register } from './testMachine.ts';

/** What the machines of these tests remember. */
export interface Context {
  readonly count: number;
  readonly seen: unknown;
}

export const dataOf = (event: MachineEvent) => (event.data ?? {}) as Record<string, unknown>;

const shell = setup({
  types: { context: {} as Context, events: {} as MachineEvent },
  guards: {
    isAdmin: ({ event }) => event.actor.kind === 'admin',
    isBig: ({ event }) => Number(dataOf(event)['n']) > 10,
    isCounted: ({ context }) => context.count > 0,
    isOver: ({ event }, { least }: { least: number }) => Number(dataOf(event)['n']) > least,
    breaks: () => {
      throw new Error('the guard broke');
    },
  },
  delays: { soon: 250, byData: ({ event }) => dataOf(event)['delay'] as number },
  actions: {
    count: assign({ count: ({ context }) => context.count + 1 }),
    keep: assign({ seen: ({ event }) => dataOf(event)['seen'] }),
    breaks: assign(() => {
      throw new Error('the assignment broke');
    }),
    note: () => undefined,
    mail: (_, _params: { readonly to: string; readonly count: number }) => undefined,
  },
});

/** The library checks a literal configuration; these tests also give what it would not take. */
const machineOf = (config: object): AnyStateMachine =>
  shell.createMachine({
    id: 'm',
    context: { count: 0, seen: null },
    ...config,
  } as never) as unknown as AnyStateMachine;

export const registered = (config: object, events = 'go stop') =>
  register(machineOf(config), events, ['note', 'mail']);

export const later = (milliseconds: number): string =>
  new Date(Date.parse(at) + milliseconds).toISOString();

export const timer = (id: string, milliseconds: number, event = id): Timer => ({
  id,
  event,
  dueAt: new Date(Date.parse(at) + milliseconds),
});
