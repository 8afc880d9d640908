import { JobwrightClient } from '../../client/jobwrightClient.ts';
import { JobError } from '../../errors.ts';
import type { Io } from '../io.ts';
import { serviceUrl, tokenSource } from '../service.ts';
import { ok, problem, warning, type Finding } from './finding.ts';

/** Somebody waits for the answer. */
const patience = { retries: 0, timeoutMs: 5_000 };

/** Whether the service answers, takes requests, and takes our token. */
export async function checkService(io: Io, told?: string): Promise<readonly Finding[]> {
  const url = serviceUrl(io.env, told);
  const { signal } = io;
  const { ready, status, reason } = await new JobwrightClient({ url, ...patience }).ready({
    signal,
  });
  if (!ready) {
    const detail = `${url} is not ready: ${status}${reason === undefined ? '' : ` (${reason})`}`;
    return [problem('service', detail, 'wait until it has started, or see what its log says')];
  }
  return [ok('service', `${url} is ready`), await checkToken(io, url)];
}

async function checkToken({ env, signal }: Io, url: string): Promise<Finding> {
  try {
    const token = await tokenSource(env, 'operator');
    await new JobwrightClient({ url, token, ...patience }).jobs({ limit: 1 }, { signal });
    return ok('token', 'accepted');
  } catch (error) {
    if (!(error instanceof JobError)) throw error;
    const { code, message } = error;
    if (code === 'FORBIDDEN') {
      return warning(
        'token',
        'accepted, but it may not list jobs',
        'give that of a reader for more',
      );
    }
    const action =
      'get one where the secrets are (jobwright token operator); give it in JOBWRIGHT_TOKEN';
    return problem('token', message, action);
  }
}
