import type { MachineEvent } from '../src/machine/event.ts';

/** The sender is an administrator. The engine tells whoever lacks this guard AdminRequired. */
export const isAdmin = ({ event }: { event: MachineEvent }): boolean =>
  event.actor.kind === 'admin';

/** The sender may manage jobs: an operator, an administrator or the engine itself. */
export const isOperator = ({ event }: { event: MachineEvent }): boolean =>
  ['operator', 'admin', 'system'].includes(event.actor.kind);

/** The engine itself sends it, as it follows from other events. */
export const isSystem = ({ event }: { event: MachineEvent }): boolean =>
  event.actor.kind === 'system';

/** The event asks for the archive to be emptied and the job to be made ready again. */
export const emptiesArchive = ({ event }: { event: MachineEvent }): boolean =>
  keepArchive(event) === false;

/** The event asks for the job to be made ready again with its archive as it is. */
export const keepsArchive = ({ event }: { event: MachineEvent }): boolean =>
  keepArchive(event) === true;

const keepArchive = ({ data }: MachineEvent): unknown =>
  (data as { keepArchive?: unknown } | undefined)?.keepArchive;
