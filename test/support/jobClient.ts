import { fileURLToPath } from 'node:url';
import { bundleForChild, spawnChild, type ChildEnd, type ChildMessage } from './childProcess.ts';
import type { Operation, Outcome } from './operations.ts';

/** What test/crash/fixtures/jobClient.ts is started with. */
export interface ClientOptions {
  readonly uri: string;
  readonly database: string;
  readonly home: string;
  readonly secrets: string;
  readonly effectLog?: string;
  readonly linkedCollections?: readonly string[];
}

/** What it can be told. */
export type ClientRequest =
  | {
      readonly type: 'run';
      readonly id: number;
      /** Each list is done one after the other, the lists all at once. */
      readonly writers: readonly (readonly Operation[])[];
    }
  /** From here on fault points are recorded, and the process dies at `killAt`. */
  | { readonly type: 'arm'; readonly killAt?: string }
  | { readonly type: 'clock'; readonly offset: number }
  | { readonly type: 'close' };

/** An operation that was begun, and what came of it as far as its client knows. */
export interface Attempt {
  readonly operation: Operation;
  outcome: Outcome | undefined;
  /** Whether it was asked for again, as its first answer was lost. */
  isRepeated: boolean;
}

/** A process with a JobManager of its own. */
export interface JobClient {
  readonly pid: number;
  /** Does all; resolves when it is through, or dead. `onOutcome` hears of each at once. */
  run(
    writers: readonly (readonly Operation[])[],
    onOutcome?: (attempt: Attempt) => void,
  ): Promise<readonly Attempt[]>;
  /** Commits whose outcome was not known at first, and requests that had to be asked again. */
  readonly troubles: { unknown: number; unavailable: number };
  arm(killAt?: string): void;
  setClock(offset: number): void;
  /** Closes the manager and ends; resolves to the fault points since it was armed, null if it died. */
  close(): Promise<readonly string[] | null>;
  kill(): Promise<ChildEnd>;
  readonly ended: Promise<ChildEnd>;
}

let bundle: Promise<string> | undefined;

/** Starts a client process and waits until its manager is open. */
export async function startClient(options: ClientOptions): Promise<JobClient> {
  bundle ??= bundleForChild(
    fileURLToPath(new URL('../crash/fixtures/jobClient.ts', import.meta.url)),
  );
  const child = spawnChild(await bundle, { args: [JSON.stringify(options)] });
  await child.messageWhere(({ type }) => type === 'ready');
  const runs = new Map<number, Run>();
  let closed: readonly string[] | null = null;
  const troubles = { unknown: 0, unavailable: 0 };
  const hear = (message: ChildMessage): void => {
    if (message['type'] === 'done') {
      troubles.unknown = message['unknown'] as number;
      troubles.unavailable = message['unavailable'] as number;
    }
    if (message['type'] === 'closed') closed = message['points'] as string[];
    runs.get(message['id'] as number)?.hear(message);
  };
  const listening = listen(() => child.nextMessage(), hear).then(async () => {
    const end = await child.ended;
    for (const run of runs.values()) run.end();
    if (end.code !== 0 && end.signal === null)
      throw new Error(`a client failed: ${child.stderr()}`);
    return end;
  });
  listening.catch(() => undefined);
  const tell = (request: ClientRequest): void => child.tell({ ...request });
  let lastId = 0;
  return {
    pid: child.pid,
    troubles,
    async run(writers, onOutcome) {
      const id = (lastId += 1);
      const run = startRun(writers, onOutcome);
      runs.set(id, run);
      tell({ type: 'run', id, writers });
      await Promise.race([run.ended, listening]);
      runs.delete(id);
      return run.attempts;
    },
    arm: (killAt) => tell({ type: 'arm', ...(killAt !== undefined && { killAt }) }),
    setClock: (offset) => tell({ type: 'clock', offset }),
    async close() {
      tell({ type: 'close' });
      await listening;
      return closed;
    },
    async kill() {
      await child.kill();
      return listening;
    },
    ended: listening,
  };
}

interface Run {
  readonly attempts: readonly Attempt[];
  readonly ended: Promise<void>;
  hear(message: ChildMessage): void;
  end(): void;
}

function startRun(
  writers: readonly (readonly Operation[])[],
  onOutcome: (attempt: Attempt) => void = () => undefined,
): Run {
  const attempts: Attempt[] = [];
  const places = new Map<string, Attempt>();
  const { promise: ended, resolve: end } = withResolvers();
  return {
    attempts,
    ended,
    end,
    hear({ type, writer, index, outcome, isRepeated }) {
      const place = `${String(writer)}:${String(index)}`;
      const operation = writers[writer as number]?.[index as number];
      if (type === 'done') end();
      if (type === 'invoked' && operation) {
        const attempt = { operation, outcome: undefined, isRepeated: false };
        attempts.push(attempt);
        places.set(place, attempt);
      }
      const attempt = places.get(place);
      if (type !== 'outcome' || !attempt) return;
      attempt.outcome = outcome as Outcome;
      attempt.isRepeated = isRepeated === true;
      onOutcome(attempt);
    },
  };
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((settle) => (resolve = settle));
  return { promise, resolve };
}

/** Hands on every message until the process has ended. */
async function listen(
  next: () => Promise<ChildMessage>,
  hear: (message: ChildMessage) => void,
): Promise<void> {
  for (;;) {
    const message = await next().catch(() => null);
    if (message === null) return;
    hear(message);
  }
}
