import { readConfig, type Config } from '../../config.ts';
import type { Io } from '../io.ts';
import { checkDatabase } from './databaseChecks.ts';
import { guarded, ok, type Finding } from './finding.ts';
import { checkArchive, checkDisk, checkSecrets } from './localChecks.ts';
import { checkService } from './serviceChecks.ts';

/** Looks at everything that a service and this command line need; changes nothing, throws for nothing. */
export async function examine(io: Io, url?: string): Promise<readonly Finding[]> {
  let config: Config | undefined;
  const configuration = await guarded(
    'configuration',
    'correct the setting that is named',
    async () => {
      config = readConfig({}, io.env);
      return [ok('configuration', `database ${config.database}, home ${config.home}`)];
    },
  );
  const service = () =>
    guarded('service', 'start it (jobwright serve), or give its URL (--url, JOBWRIGHT_URL)', () =>
      checkService(io, url),
    );
  if (!config) return [...configuration, ...(await service())];
  const known = config;
  const groups = [
    configuration,
    await guarded('secrets', 'correct JOBWRIGHT_SECRETS', async () => [
      await checkSecrets(io.env, known),
    ]),
    await guarded(
      'database',
      'check JOBWRIGHT_MONGODB_URI, and that MongoDB runs and lets this machine in',
      () => checkDatabase(known),
    ),
    await guarded('archive', 'check JOBWRIGHT_ARCHIVE_ROOT', async () => [
      await checkArchive(known),
    ]),
    await guarded('disk', 'check JOBWRIGHT_ARCHIVE_ROOT', async () => [await checkDisk(known)]),
    await service(),
  ];
  return groups.flat();
}
