export { pipelineJob } from './pipelineJob.ts';
