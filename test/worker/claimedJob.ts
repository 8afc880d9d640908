import type { ClaimedJob } from '../../src/records/workerProtocol.ts';

/** A job as a worker is given it. */
export const claimedJob = (data: ClaimedJob['data'] = {}): ClaimedJob => ({
  id: 'j1',
  epoch: 3,
  type: 'record',
  tag: 'default',
  priority: 500,
  programs: [],
  data,
  archivePath: '/products/v2/x',
  createdAt: '2026-11-21T12:00:00.000Z',
});
