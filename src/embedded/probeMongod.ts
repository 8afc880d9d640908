import { EmbeddedMongoError } from '../errors.ts';
import { runCommand } from './runCommand.ts';

const oldestUsable = 5;

/**
 * Proves that a file is a mongod that runs here, and resolves to its version (`6.0.5`).
 * Refuses what does not start, is no mongod, or is older than MongoDB 5.0.
 */
export const probeMongod = async (
  path: string,
  env: NodeJS.ProcessEnv,
  signal?: AbortSignal,
): Promise<string> => {
  const said = await runCommand(path, ['--version'], { env, signal, limitMilliseconds: 20_000 });
  const version = /^db version v(\d+\.\d+\.\d+)/m.exec(said)?.[1];
  if (!version) throw new EmbeddedMongoError('it does not answer --version as a mongod does');
  if (Number.parseInt(version, 10) < oldestUsable) {
    throw new EmbeddedMongoError(
      `it is version ${version}; version ${oldestUsable}.0 or newer is needed`,
    );
  }
  return version;
};
