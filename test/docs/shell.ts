import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll } from 'vitest';
import { startService, type RunningService } from '../../src/http/serve.ts';
import { httpWorld } from '../http/world.ts';
import { programBundle } from '../support/serviceProcess.ts';
import { blocksOf } from './pages.ts';

/** A real service, and a directory in which the snippets of the pages are run against it. */
export const world = httpWorld();
export let service: RunningService;
export let folder = '';
let env: NodeJS.ProcessEnv = {};

beforeAll(async () => {
  service = await startService(world.manager.engine, { port: 0, isItsOwnAddress: true });
  folder = await mkdtemp(join(tmpdir(), 'jobwright-recipes-'));
  await mkdir(join(folder, 'bin'));
  await mkdir(join(folder, 'spool'));
  env = {
    ...process.env,
    PATH: `${join(folder, 'bin')}:${process.env['PATH']}`,
    JOBWRIGHT_MONGODB_URI: world.database.uri,
    JOBWRIGHT_DATABASE: world.database.database,
    JOBWRIGHT_SECRETS: world.secrets,
    JOBWRIGHT_HOME: world.home,
    JOBWRIGHT_URL: service.url,
    TOKEN: world.operator,
    ADMIN: world.admin,
  };
  await program('bin/jobwright', `exec "${process.execPath}" "${await programBundle()}" "$@"`);
  await program('countTacos', 'exit "${TACOS_EXIT:-0}"');
  await world.manager.pipelines.put('tacobot', {});
});
afterAll(async () => {
  await service?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Writes a program that the snippets call, or that they are. */
export async function program(name: string, text: string): Promise<void> {
  const file = join(folder, name);
  await writeFile(file, text.startsWith('#!') ? text : `#!/bin/bash\n${text}\n`);
  await chmod(file, 0o755);
}

/** Whether a block is a program that a reader saves, by the name in its second line. */
export const isScript = (block: string): boolean => block.startsWith('#!/bin/bash\n# ');

/** Saves the scripts of a page under the names in their second lines. */
export async function saveScripts(page: string): Promise<void> {
  for (const block of blocksOf(page, 'sh').filter(isScript)) {
    const [, name = ''] = /^#!.*\n# (\S+)\n/.exec(block) ?? [];
    await program(name, block);
  }
}

/** Runs commands as a reader does; rejects with their output where one fails. */
export const bash = (script: string, more: NodeJS.ProcessEnv = {}) =>
  promisify(execFile)('bash', ['-euo', 'pipefail', '-c', script], {
    cwd: folder,
    env: { ...env, ...more },
  });

/** Whether a block talks to the service by itself. */
export const usesHttp = (block: string): boolean => /\bcurl\b/.test(block) && !isScript(block);
/** The commands of a page that ask the service, in their order, as a reader types them. */
export const commandsOf = (page: string): string =>
  blocksOf(page, 'sh').filter(usesHttp).join('\n');
