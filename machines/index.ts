export { bulkRun } from './bulkRun.ts';
export { pipelineJob } from './pipelineJob.ts';
export { record } from './record.ts';
