import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { InvalidConfiguration } from '../errors.ts';
import type { MachineDefinition } from '../machine/define.ts';

/** The machines that modules export, under whatever names. Throws InvalidConfiguration for a module without one. */
export async function loadMachines(modules: readonly string[]): Promise<MachineDefinition[]> {
  const loaded = await Promise.all(modules.map(loadModule));
  return loaded.flat();
}

async function loadModule(module: string): Promise<MachineDefinition[]> {
  const exports = await importModule(module);
  const machines = [...new Set(Object.values(exports).flat())].filter(isMachine);
  if (machines.length > 0) return machines;
  throw new InvalidConfiguration(
    '--machines',
    `${module} exports no machine; export what defineMachine returns`,
  );
}

async function importModule(module: string): Promise<Record<string, unknown>> {
  try {
    return (await import(pathToFileURL(resolve(module)).href)) as Record<string, unknown>;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new InvalidConfiguration('--machines', `${module} cannot be loaded: ${reason}`, {
      cause,
    });
  }
}

const isMachine = (value: unknown): value is MachineDefinition =>
  typeof value === 'object' &&
  value !== null &&
  ['name', 'version', 'machine', 'input', 'events'].every((field) => field in value);
