import { agenda } from './agenda.ts';
import { bullmqDurable, bullmqVolatile } from './bullmq.ts';
import type { Contender } from './contender.ts';
import { dbos } from './dbos.ts';
import { graphileWorker, graphileWorkerTuned } from './graphileWorker.ts';
import { ours, oursInWaves, oursWithDirectories } from './ours.ts';
import { pgBossFetch, pgBossWork } from './pgBoss.ts';
import { embeddedArray, rawIndexedInserts, rawInserts, transactionPerEvent } from './raw.ts';

/** All that is measured, in the order of a round. */
export const contenders: readonly Contender[] = [
  ours,
  bullmqDurable,
  bullmqVolatile,
  rawInserts,
  rawIndexedInserts,
  oursInWaves,
  oursWithDirectories,
  pgBossFetch,
  pgBossWork,
  graphileWorker,
  graphileWorkerTuned,
  dbos,
  agenda,
  embeddedArray,
  transactionPerEvent,
];
