import { timed } from '../measure.ts';
import type { Contender, Trial, TrialResult } from './contender.ts';
import { loadPeer } from './installed.ts';
import { openPostgres } from './openPostgres.ts';
import { finishData, payloadOf, type Payload } from './payload.ts';
import { runCallers, takeSample, warmUpOf } from './takeSample.ts';

interface DbosPackage {
  readonly DBOS: {
    setConfig(config: object): void;
    registerWorkflow(
      work: (payload: Payload) => Promise<object>,
      options: { name: string },
    ): (payload: Payload) => Promise<object>;
    launch(): Promise<void>;
    shutdown(): Promise<void>;
  };
}

const poolSize = 40;

export const dbos: Contender = {
  id: 'dbos',
  row: 'DBOS, a workflow without steps',
  setting: `stored when it starts, its result when it ends: two durable writes, end to end only; pool of ${poolSize}`,
  unit: 'life cycles/s',
  server: 'postgres',
  packages: ['@dbos-inc/dbos-sdk', 'pg'],
  jobsOf10k: 5_000,
  callers: [256, 64],
  run: runDbos,
};

async function runDbos(trial: Trial): Promise<TrialResult> {
  const { DBOS } = await loadPeer<DbosPackage>('@dbos-inc/dbos-sdk');
  const database = await openPostgres(trial.server);
  DBOS.setConfig({
    name: 'bench',
    systemDatabaseUrl: database.url,
    systemDatabasePoolSize: poolSize,
    logLevel: 'error',
    runAdminServer: false,
  });
  const workflow = DBOS.registerWorkflow(async () => finishData, { name: 'work' });
  try {
    await DBOS.launch();
    await runCallers(
      trial.callers,
      warmUpOf(trial),
      async (n) => void (await workflow(payloadOf(n))),
    );
    return await takeSample(trial, { units: trial.jobs }, ({ life }) =>
      runCallers(trial.callers, trial.jobs, async (n) =>
        life(await timed(() => workflow(payloadOf(n)))),
      ),
    );
  } finally {
    await DBOS.shutdown();
    await database.close();
  }
}
