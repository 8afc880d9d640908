import type { Route } from '../route.ts';
import { adminRoutes } from './admin.ts';
import { bulkRoutes } from './bulk.ts';
import { attemptRoutes } from './attempts.ts';
import { callbackRoutes } from './callbacks.ts';
import { datasetRoutes } from './datasets.ts';
import { eventRoutes } from './events.ts';
import { jobRoutes } from './jobs.ts';
import { machineRoutes } from './machines.ts';
import { manyJobsRoutes } from './manyJobs.ts';
import { operationRoutes } from './operations.ts';
import { registryRoutes } from './registries.ts';
import { relationRoutes } from './relations.ts';
import { streamRoutes } from './stream.ts';
import { workerRoutes } from './workers.ts';

/** The route table: every way into the service. */
export const routes: readonly Route[] = [
  ...jobRoutes,
  ...eventRoutes,
  ...manyJobsRoutes,
  ...attemptRoutes,
  ...relationRoutes,
  ...datasetRoutes,
  ...workerRoutes,
  ...callbackRoutes,
  ...adminRoutes,
  ...bulkRoutes,
  ...registryRoutes,
  ...machineRoutes,
  ...streamRoutes,
  ...operationRoutes,
];
