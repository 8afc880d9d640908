import { createActor, createMachine } from 'xstate';
import type { AnyActorScope, ExecutableActionObject } from 'xstate';

/** Stands in for a living actor; the library asks for one, nothing is ever sent to it. */
const inert = createActor(createMachine({}));

/**
 * What the library wants to know of an actor when it moves a machine; the actions go into a list.
 * It types a scope by the machine it is for, which is not known here.
 */
export const actorScope = (actions: ExecutableActionObject[]): never => scopeOf(actions) as never;

const scopeOf = (actions: ExecutableActionObject[]): AnyActorScope => ({
  self: inert,
  system: inert.system,
  id: '',
  sessionId: '',
  logger: ignore,
  defer: ignore,
  emit: ignore,
  stopChild: ignore,
  actionExecutor: (action) => actions.push(action),
});

const ignore = (): void => undefined;
