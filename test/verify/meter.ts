import { defineMachine, type EventsOf } from 'jobwright';
import { assign, setup } from 'xstate';
import { z } from 'zod';

const events = {
  read: z.object({ value: z.number() }),
  close: z.looseObject({}).optional(),
};

/** A machine with all that a stored job has beside its state: context, parallel states, a timer, an effect. */
export const meter = defineMachine({
  name: 'meter',
  version: '1',
  input: z.object({ unit: z.string() }),
  events,
  machine: setup({
    types: {
      context: {} as { unit: string; sum: number; values: readonly number[] },
      events: {} as EventsOf<typeof events>,
      input: {} as { unit: string },
    },
    actions: { announce: (): void => undefined },
  }).createMachine({
    id: 'meter',
    context: ({ input }) => ({ unit: input.unit, sum: 0, values: [] }),
    type: 'parallel',
    states: {
      intake: {
        initial: 'open',
        states: {
          open: {
            on: {
              read: {
                actions: assign({
                  sum: ({ context, event }) => context.sum + event.data.value,
                  values: ({ context, event }) => [...context.values, event.data.value],
                }),
              },
              close: { target: 'closed', actions: 'announce' },
            },
          },
          closed: {},
        },
      },
      alarm: {
        initial: 'quiet',
        states: { quiet: { after: { 3_600_000: 'due' } }, due: {} },
      },
    },
  }),
  effects: { announce: () => undefined },
});
