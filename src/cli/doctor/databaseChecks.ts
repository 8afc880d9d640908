import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../config.ts';
import type { DatabaseReport } from '../../store/mongo/inspectDatabase.ts';
import { ok, problem, warning, type Finding } from './finding.ts';

/** The oldest MongoDB that the product is tried on. */
const oldestMajor = 6;
/** A process says that it lives five times a second. */
const silentMs = 10_000;
const skew = { warning: 1_000, problem: 30_000 };

/** All that the database tells. An embedded one that does not run is not started. */
export async function checkDatabase(config: Config): Promise<readonly Finding[]> {
  const uri = config.mongodb ?? (await embeddedUri(config));
  if (uri === undefined) return [noDatabase(config)];
  const { inspectDatabase } = await import('../../store/mongo/inspectDatabase.ts');
  const { database, linkedCollections } = config;
  const report = await inspectDatabase({ uri, database, linkedCollections });
  return [
    checkServer(report),
    checkIndexes(report),
    checkClock(report),
    checkProcesses(report),
    checkEffects(report),
    checkTimers(report),
  ];
}

function noDatabase({ home }: Config): Finding {
  return existsSync(join(home, 'mongodb'))
    ? warning('database', `the embedded one in ${home} does not run`, 'jobwright dev starts it')
    : warning(
        'database',
        `JOBWRIGHT_MONGODB_URI is not set, and there is no embedded one in ${home}`,
        'set it, unless the database is only reached from elsewhere; jobwright dev makes an embedded one',
      );
}

/** Where the home's mongod listens, if it lives. */
async function embeddedUri({ home }: Config): Promise<string | undefined> {
  const folder = join(home, 'mongodb');
  if (!existsSync(join(folder, 'state.json'))) return undefined;
  const [{ readState }, { isAlive }, { mongoUri }] = await Promise.all([
    import('../../embedded/homeState.ts'),
    import('../../embedded/processIdentity.ts'),
    import('../../embedded/replicaSet.ts'),
  ]);
  const file = (name: string): string => join(folder, name);
  const state = readState({
    data: file('data'),
    log: file('mongod.log'),
    state: file('state.json'),
    lock: file('lock'),
    users: file('users'),
  });
  return state?.mongod && isAlive(state.mongod) ? mongoUri(state.port) : undefined;
}

function checkServer({ version, replicaSet }: DatabaseReport): Finding {
  if (replicaSet === undefined) {
    return problem(
      'database',
      `MongoDB ${version} is no replica set: nothing can be journaled by a majority`,
      'start mongod with --replSet and initiate it; one node is enough',
    );
  }
  const detail = `MongoDB ${version}, replica set ${replicaSet}`;
  return Number(version.split('.')[0]) >= oldestMajor
    ? ok('database', detail)
    : warning('database', detail, `take MongoDB ${oldestMajor} or newer`);
}

function checkIndexes({ missingIndexes }: DatabaseReport): Finding {
  if (missingIndexes.length === 0) return ok('indexes', 'all there');
  const action = 'start the service, or run jobwright verify: both make them';
  return warning('indexes', `missing: ${missingIndexes.join(', ')}`, action);
}

function checkClock({ clockAheadMs }: DatabaseReport): Finding {
  const off = Math.abs(clockAheadMs);
  const detail = `that of the database is ${off} ms ${clockAheadMs < 0 ? 'behind' : 'ahead of'} this one`;
  const action = 'keep both clocks in step (NTP): timers and tokens go by them';
  if (off >= skew.problem) return problem('clock', detail, action);
  return off >= skew.warning ? warning('clock', detail, action) : ok('clock', detail);
}

function checkProcesses({ processes }: DatabaseReport): Finding {
  const alive = processes.filter((process) => process.silentMs < silentMs);
  const gone = processes.length - alive.length;
  if (alive.length === 0) {
    return warning(
      'processes',
      'none is open on the database: effects and timers wait',
      'start the service: jobwright serve',
    );
  }
  if (gone === 0) return ok('processes', `${alive.length} alive`);
  return warning(
    'processes',
    `${alive.length} alive, ${gone} silent for more than ${silentMs / 1_000} s`,
    'the others take over from a silent one; it goes from the list once that is done',
  );
}

function checkEffects({ parked }: DatabaseReport): Finding {
  if (parked.count === 0) return ok('effects', 'none is parked');
  const shown = parked.first.map(({ job, effect, error }) => `${effect} of ${job} (${error})`);
  const action = 'mend the cause and repeat the action: reset or delete the job again';
  return warning('effects', `${parked.count} parked: ${listed(shown, parked.count)}`, action);
}

function checkTimers({ overdue }: DatabaseReport): Finding {
  if (overdue.count === 0) return ok('timers', 'none is overdue');
  return problem(
    'timers',
    `${overdue.count} jobs wait for timers that were due a minute ago: ${listed(overdue.first, overdue.count)}`,
    'look whether a service runs that knows their machines, and what its log says of fireTimers',
  );
}

const listed = (shown: readonly string[], count: number): string =>
  `${shown.join('; ')}${count > shown.length ? '; …' : ''}`;
