import { hostname } from 'node:os';
import { z } from 'zod';
import { readConfig } from '../../config.ts';
import { ManagedPipelineJobInstance } from '../../jobs/managedPipelineJobInstance.ts';
import { analyseText } from './analyseText.ts';

const given = z.object({ JOBWRIGHT_JOB: z.string(), JOBWRIGHT_TOKEN: z.string() });

/**
 * A deferred update: a program that was started elsewhere, and knows of its job the id, a token and
 * where the database is. It says that it runs, does its work, and says that it is done.
 */
export async function work(
  env: Readonly<Record<string, string | undefined>>,
  text: string,
  directory: string,
): Promise<void> {
  const { JOBWRIGHT_JOB: uuid, JOBWRIGHT_TOKEN: token } = given.parse(env);
  const secrets = env['JOBWRIGHT_SECRETS'];
  const instance = new ManagedPipelineJobInstance({ ...readConfig({}, env), secrets, uuid, token });
  try {
    await instance.run({ host: hostname(), process: process.pid });
    const { statistics, files } = await analyseText(text, directory);
    await instance.update({ words: statistics.words, different: statistics.different });
    // A message as an outside system sends it; it says whose it is.
    await instance.handle({ uuid, name: 'finish', data: { files }, token });
  } finally {
    await instance.close();
  }
}
