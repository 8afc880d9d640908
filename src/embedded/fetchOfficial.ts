import { createRequire } from 'node:module';
import type { MongodFetcher } from './mongodFetcher.ts';
import { runCommand } from './runCommand.ts';

/**
 * The official download, by mongodb-memory-server. It runs in a process of its own: that alone can
 * be ended when a connection hangs, and its copy of the driver stays out of ours.
 */
export const fetchOfficial: MongodFetcher = {
  source: 'download',
  description: 'the official download',
  fetch: async ({ folder, env, report, signal }) => {
    const downloader = createRequire(import.meta.url).resolve(
      'mongodb-memory-server-core/lib/util/MongoBinary.js',
    );
    let path = '';
    await runCommand(
      process.execPath,
      ['--input-type=commonjs', '--eval', script, downloader, folder],
      {
        env: { MONGOMS_MAX_RETRIES: '1', ...env, MONGOMS_DOWNLOAD_DIR: folder },
        signal,
        // Without an answer by then there is none to hope for; once data flows, it may take its time.
        firstLineMilliseconds: 15_000,
        limitMilliseconds: 15 * 60_000,
        onLine: (line) => {
          if (line.startsWith(answer)) path = line.slice(answer.length);
          else report('fetch', line.trim());
        },
      },
    );
    return path;
  },
};

const answer = 'mongod is at ';

const script = `
  const [downloader, downloadDir] = process.argv.slice(1);
  require(downloader).MongoBinary.getPath({ downloadDir }).then(
    (path) => console.log(${JSON.stringify(answer)} + path),
    (error) => {
      console.error(String(error.message).replace(/\\s+/g, ' '));
      process.exitCode = 1;
    },
  );
`;
