import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleForChild } from '../support/childProcess.ts';
import { testDatabase } from '../support/database.ts';
import { pathOf, read } from './pages.ts';

/** The shell blocks of a section of the README, in their order, as one script. */
function scriptOf(heading: string): string {
  const [, section = ''] = read('README.md').split(`\n${heading}\n`);
  const [own = ''] = section.split(/\n## /);
  return [...own.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].map(([, block = '']) => block).join('\n');
}

const { uri, database } = testDatabase();
let folder = '';
let port = 0;
let script = '';
let printed = '';
let listening = '';

/** A port that was free a moment ago: the README names one, which another service may have here. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port: found } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return found;
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'jobwright-readme-'));
  port = await freePort();
  const program = await bundleForChild(pathOf('src/cli/main.ts'));
  const client = await bundleForChild(pathOf('docs/examples/client.ts'));
  // What `npm run build` and `npx` come to in a checkout: this very program.
  const shim = { npm: 'exit 0', npx: `shift\nexec '${process.execPath}' '${program}' "$@"` };
  for (const [name, text] of Object.entries(shim)) {
    await writeFile(join(folder, name), `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  }
  const here = scriptOf('## As a service').replaceAll('8787', String(port));
  const example = `JOBWRIGHT_URL=http://127.0.0.1:${port} JOBWRIGHT_TOKEN=$(npx jobwright token operator) '${process.execPath}' '${client}'`;
  script = here.replace(
    /^kill .*$/m,
    (kill) => `echo; ${example}\n${kill}; wait $!; echo "ended $?"`,
  );
  const { stdout } = await promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: folder,
    env: {
      ...process.env,
      PATH: `${folder}:${process.env['PATH']}`,
      JOBWRIGHT_PORT: String(port),
      JOBWRIGHT_MONGODB_URI: uri,
      JOBWRIGHT_DATABASE: database,
      JOBWRIGHT_HOME: join(folder, 'home'),
    },
  });
  printed = stdout;
  listening = await readFile(join(folder, 'service.json'), 'utf8');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the README, copied line by line', () => {
  it('starts a service and says where', () => {
    expect(JSON.parse(listening)).toMatchObject({ listening: `http://127.0.0.1:${port}` });
  });

  it('reports by callback: what comes in time is applied, what comes late is not', () => {
    expect(printed.match(/"applied":true/g)).toHaveLength(2);
    expect(
      printed.match(/"applied":false,"code":"INVALID_TRANSITION","from":"FINISHED"/g),
    ).toHaveLength(1);
  });

  it('shows the history, and resets as an administrator', () => {
    const names = [...printed.matchAll(/"seq": ?\d+,\s*"name": ?"(\w+)"/g)].map(([, name]) => name);
    expect(names.slice(2, 5)).toEqual(['create', 'run', 'finish']);
    expect(printed).toContain('"state":"CREATED","states":["CREATED"],"version":5');
  });

  it('does the same by the client, and ends the service cleanly', () => {
    expect(printed).toMatch(/is CREATED; report to \/v1\/callbacks\//);
    expect(printed).toContain('2 run → RUNNING, 3 finish → FINISHED');
    expect(printed.trim().endsWith('ended 0')).toBe(true);
  });
});
