import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Where the run's one MongoDB listens; read it through `testMongoUri()`. */
    mongodbUri: string;
  }
}

const homePrefix = 'jobwright-test-run-';

/**
 * Gives the whole run one MongoDB: that of JOBWRIGHT_TEST_MONGODB_URI, else one that is started
 * in a temporary home the way the product starts its own. Returns what ends it.
 */
export const setup = async (project: TestProject): Promise<() => Promise<void>> => {
  const given = process.env['JOBWRIGHT_TEST_MONGODB_URI'];
  if (given) {
    project.provide('mongodbUri', given);
    return async () => undefined;
  }
  await removeKilledRuns();
  const { startEmbeddedMongo } = await import('../../src/embedded/embeddedMongo.ts');
  const home = await mkdtemp(join(tmpdir(), `${homePrefix}${process.pid}-`));
  const mongo = await startEmbeddedMongo({ home, report: showFetching });
  project.provide('mongodbUri', mongo.uri);
  return async () => {
    await mongo.stop();
    await rm(home, { recursive: true, force: true });
  };
};

/** A first run may fetch a mongod for a while; the rest of the start is too quick to tell. */
const showFetching = (step: string, detail: string): void => {
  if (step === 'fetch') process.stderr.write(`mongod: ${detail}\n`);
};

/** Ends the mongod and removes the home of every earlier run that was killed. */
const removeKilledRuns = async (): Promise<void> => {
  const { findRunning } = await import('../../src/embedded/ensureMongod.ts');
  const { openHome } = await import('../../src/embedded/homeState.ts');
  const { endMongod } = await import('../../src/embedded/mongodProcess.ts');
  const { identifyProcess } = await import('../../src/embedded/processIdentity.ts');
  for (const name of await readdir(tmpdir())) {
    const pid = name.startsWith(homePrefix) ? Number(name.split('-')[3]) : 0;
    if (!(pid > 0) || identifyProcess(pid)) continue;
    const home = join(tmpdir(), name);
    const running = findRunning(openHome(home));
    if (running) await endMongod(running.mongod, showFetching);
    await rm(home, { recursive: true, force: true });
  }
};
