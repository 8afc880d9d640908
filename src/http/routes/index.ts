import type { Route } from '../route.ts';
import { adminRoutes } from './admin.ts';
import { callbackRoutes } from './callbacks.ts';
import { eventRoutes } from './events.ts';
import { jobRoutes } from './jobs.ts';
import { machineRoutes } from './machines.ts';
import { operationRoutes } from './operations.ts';
import { registryRoutes } from './registries.ts';
import { streamRoutes } from './stream.ts';

/** The route table: every way into the service. */
export const routes: readonly Route[] = [
  ...jobRoutes,
  ...eventRoutes,
  ...callbackRoutes,
  ...adminRoutes,
  ...registryRoutes,
  ...machineRoutes,
  ...streamRoutes,
  ...operationRoutes,
];
