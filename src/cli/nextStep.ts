import { JobError } from '../errors.ts';

/** What to do about an error, where its own message does not say. */
export function nextStep(error: unknown, code: string): string | undefined {
  const step = steps.get(code);
  if (step !== undefined || error instanceof JobError) return step;
  return 'JOBWRIGHT_LOG_LEVEL=debug shows where it comes from';
}

const steps: ReadonlyMap<string, string> = new Map([
  ['JOB_NOT_FOUND', 'jobwright job ls lists the jobs that there are'],
  ['PIPELINE_NOT_FOUND', 'jobwright pipeline put <id> registers it'],
  ['UNKNOWN_MACHINE', 'jobwright machine ls lists those that the service has'],
  ['DOCUMENT_NOT_FOUND', 'jobwright document put <collection> <id> stores it'],
  ['INVALID_TRANSITION', 'jobwright job show <id> tells what its state allows'],
  ['UNKNOWN_EVENT', 'jobwright machine show <name> lists the events of a machine'],
  ['INVALID_DATA', 'correct what is named; --help tells the form of each option'],
  [
    'UNAUTHENTICATED',
    'get a new token where the secrets are (jobwright token operator) and give it in JOBWRIGHT_TOKEN',
  ],
  ['FORBIDDEN', 'give a token with that right in JOBWRIGHT_TOKEN (jobwright token operator)'],
  ['WORKER_NOT_FOUND', 'jobwright worker ls lists those that there are'],
  ['OUTPUT_NOT_FOUND', 'jobwright record attempts <id> lists what there is'],
  ['DATASET_NOT_FOUND', 'jobwright dataset ls lists those that there are'],
  [
    'SERVICE_UNREACHABLE',
    'start it (jobwright serve), or give its URL (--url, JOBWRIGHT_URL); jobwright doctor finds what is missing',
  ],
  ['STORE_UNAVAILABLE', 'jobwright doctor finds what is wrong with the database'],
  ['EFFECT_FAILED', 'jobwright doctor lists what waits for a person'],
  ['INTERNAL', "look for the request in the service's log"],
  ['ENOENT', 'check the path'],
  ['EACCES', 'check who may read the path'],
]);
