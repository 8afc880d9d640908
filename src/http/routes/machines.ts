import { describeMachine } from '../../machine/describe.ts';
import type { RegisteredMachine } from '../../machine/registry.ts';
import { defineRoute, type Route } from '../route.ts';
import * as schemas from '../schemas.ts';
import { jsonSchemaOf } from '../wire.ts';

const list = defineRoute({
  method: 'GET',
  path: '/v1/machines',
  access: 'registry.read',
  summary: 'The machines that this process knows',
  answers: { 200: schemas.machines },
  handle: ({ engine }) => ({ body: { machines: engine.registry.list().map(viewMachine) } }),
});

const read = defineRoute({
  method: 'GET',
  path: '/v1/machines/{name}',
  access: 'registry.read',
  summary: 'A machine: states, events, who may send them, JSON Schemas, Mermaid text',
  answers: { 200: schemas.machine },
  refusals: { 404: 'UNKNOWN_MACHINE' },
  handle({ engine, params: { name: asked = '' } }) {
    // `name` is the newest version of it, `name@version` that one.
    const [name = '', version] = asked.split('@');
    return { body: viewMachine(engine.registry.get(name, version)) };
  },
});

function viewMachine(machine: RegisteredMachine) {
  const { input, pipeline = 'optional', description } = machine.definition;
  const { events, ...described } = describeMachine(machine);
  return {
    name: machine.name,
    version: machine.version,
    ...(description !== undefined && { description }),
    pipeline,
    ...described,
    events: events.map(({ schema, ...event }) => ({
      ...event,
      ...(schema && { schema: jsonSchemaOf(schema) }),
    })),
    input: jsonSchemaOf(input),
  };
}

export const machineRoutes: readonly Route[] = [list, read];
