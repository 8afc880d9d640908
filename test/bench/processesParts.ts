import { randomBytes, randomUUID } from 'node:crypto';
import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient, type Db } from 'mongodb';
import { clientOptions } from '../../src/store/mongo/collections.ts';
import { sender } from './processesSender.ts';
import { builder } from './scaleBuilder.ts';
import { starter } from './scaleStarter.ts';

/** Where the processes of a benchmark meet: all that a manager of theirs is opened with. */
export interface Place {
  readonly uri: string;
  readonly database: string;
  readonly secrets: string;
  readonly home: string;
}

/** A place of its own, and how the benchmark looks at the database past the engine. */
export interface OpenPlace extends Place {
  readonly db: Db;
  readonly admin: Db;
  /** Removes the home, and the database unless it is to be kept. */
  close(options?: { readonly keepDatabase?: boolean }): Promise<void>;
}

export async function openPlace(
  uri: string,
  database = `bench_${randomUUID().replaceAll('-', '')}`,
): Promise<OpenPlace> {
  const home = await mkdtemp(join(tmpdir(), 'jobwright-bench-'));
  const client = await new MongoClient(uri, clientOptions).connect();
  const db = client.db(database);
  return {
    uri,
    database,
    secrets: `k1:${randomBytes(32).toString('base64')}`,
    home,
    db,
    admin: client.db('admin'),
    async close({ keepDatabase = false } = {}) {
      if (!keepDatabase) await db.dropDatabase();
      await client.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}

/** What another process needs to know of it. */
export const toPlace = ({ uri, database, secrets, home }: OpenPlace): Place => ({
  uri,
  database,
  secrets,
  home,
});

/** What a child process can be asked for, by name. */
export type Abilities = Readonly<Record<string, (input: never) => Promise<unknown>>>;

const roles: Readonly<Record<string, () => Abilities>> = { sender, builder, starter };

/** How long a child may take to close. */
const patienceMs = 15_000;

interface Question {
  readonly id: number;
  readonly ask: string;
  readonly input: unknown;
}
interface Reply {
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: string;
}

interface Asked {
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A child process with a role, see `runPart`. */
export interface Part {
  readonly pid: number;
  /** Resolves to its answer; rejects if it fails or has ended. */
  readonly ask: <Answer = void>(name: string, input?: object) => Promise<Answer>;
  /** Lets it end by itself. */
  end(): Promise<void>;
  /** Kill -9. */
  kill(): Promise<void>;
}

/** Starts this program once more, in a role. */
export function startPart(role: string): Part {
  const [, program = ''] = process.argv;
  const child = fork(program, ['--part', role], { execArgv: process.execArgv });
  const open = new Map<number, Asked>();
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  void ended.then(() => {
    for (const { reject } of open.values()) reject(new Error(`a ${role} has ended`));
  });
  // Not even a benchmark that breaks off leaves it behind.
  const killNow = (): void => void child.kill('SIGKILL');
  process.once('exit', killNow);
  void ended.then(() => process.off('exit', killNow));
  child.on('message', (message) => {
    const { id, answer, error } = message as Reply;
    const asked = open.get(id);
    open.delete(id);
    if (error === undefined) asked?.resolve(answer);
    else asked?.reject(new Error(`${role}: ${error}`));
  });
  let lastId = 0;
  return {
    pid: child.pid ?? 0,
    ask<Answer>(name: string, input: object = {}): Promise<Answer> {
      const id = (lastId += 1);
      return new Promise<Answer>((resolve, reject) => {
        open.set(id, { resolve: (answer) => resolve(answer as Answer), reject });
        child.send({ id, ask: name, input } satisfies Question);
      });
    },
    async end() {
      if (child.connected) child.disconnect();
      // One that is still at work is not waited for for ever.
      const late = setTimeout(killNow, patienceMs);
      await ended;
      clearTimeout(late);
    },
    async kill() {
      killNow();
      await ended;
    },
  };
}

/** In the child: answers what it is asked until its parent lets go of it. */
export async function runPart(role: string): Promise<void> {
  const abilities = roles[role]?.();
  if (!abilities) throw new Error(`there is no role ${role}`);
  const answer = async ({ id, ask, input }: Question): Promise<Reply> => {
    try {
      // What each ability takes is said beside it; both ends are this program.
      return { id, answer: await abilities[ask]?.(input as never) };
    } catch (error) {
      return { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
    }
  };
  process.on('message', (message) => {
    void answer(message as Question).then((reply) => process.connected && process.send?.(reply));
  });
  await new Promise<void>((resolve) => process.once('disconnect', resolve));
  await abilities['close']?.({} as never);
}
