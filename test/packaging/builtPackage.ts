import { execFile } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { pathOf, read } from '../docs/pages.ts';

const run = promisify(execFile);

/** What `npm pack` makes of the checkout, installed into an empty project. */
export interface InstalledPackage {
  readonly project: string;
  /** The program of the command line. */
  readonly program: string;
  remove(): Promise<void>;
}

/**
 * Builds, packs and installs the package apart from the checkout, whose `dist` others may use
 * meanwhile. What npm has at hand is not asked for again.
 */
export async function installPackage(): Promise<InstalledPackage> {
  const folder = await mkdtemp(join(tmpdir(), 'jobwright-package-'));
  const [source, project] = [join(folder, 'source'), join(folder, 'project')];
  await stage(source);
  await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: source });
  await mkdir(project);
  await writeFile(join(project, 'package.json'), '{"name":"tacos","private":true}\n');
  const { version } = JSON.parse(read('package.json')) as { version: string };
  await npmInstall(project, join(folder, `jobwright-${version}.tgz`));
  return {
    project,
    program: join(project, 'node_modules/jobwright/dist/src/cli/main.js'),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

export const npmInstall = (project: string, what: string) =>
  run('npm', ['install', '--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', what], {
    cwd: project,
  });

/** What goes into the package, freshly built. */
async function stage(source: string): Promise<void> {
  const files = ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'docs/examples/data'];
  for (const file of files) await cp(pathOf(file), join(source, file), { recursive: true });
  const dist = join(source, 'dist');
  const compiler = pathOf('node_modules/typescript/bin/tsc');
  await run(process.execPath, [
    compiler,
    ...['-p', pathOf('tsconfig.build.json'), '--incremental', 'false', '--outDir', dist],
    ...['--tsBuildInfoFile', 'null'],
  ]);
}
