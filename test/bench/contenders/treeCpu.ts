import { readdirSync, readFileSync } from 'node:fs';

/** Linux tells processor time in hundredths of a second. */
const microsecondsPerTick = 10_000;

/** Microseconds of processor time that a process and its children have used, the ended ones included. */
export function treeCpu(pid: number): number {
  const root = readTicks(pid);
  if (root === undefined) return NaN;
  const children = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readTicks(Number(name)) ?? [])
    .filter(({ parent }) => parent === pid);
  const ticks = children.reduce((sum, { own }) => sum + own, root.own + root.endedChildren);
  return ticks * microsecondsPerTick;
}

interface Ticks {
  readonly parent: number;
  readonly own: number;
  readonly endedChildren: number;
}

/** Undefined where there is no such process, or no /proc. */
function readTicks(pid: number): Ticks | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in brackets, may hold anything; the fields count from behind it.
    const fields = text
      .slice(text.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number);
    const [, parent = NaN] = fields;
    const [user = NaN, system = NaN, endedUser = NaN, endedSystem = NaN] = fields.slice(11);
    return { parent, own: user + system, endedChildren: endedUser + endedSystem };
  } catch (error) {
    if (gone.has((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** Of a process that ended meanwhile. */
const gone = new Set(['ENOENT', 'ESRCH']);
