import { exec, execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { startService } from '../../src/http/serve.ts';
import { routes } from '../../src/http/routes/index.ts';
import { httpWorld } from '../http/world.ts';
import { pathOf, read } from '../docs/pages.ts';
import { isLong } from '../support/waitUntil.ts';
import { readYaml, type Yaml } from './readYaml.ts';

interface Instruction {
  readonly name: string;
  readonly value: string;
}

/** An installation and a build. */
const patience = { timeout: 300_000 };

/** The instructions of the Dockerfile, stage by stage. */
const stages = read('Dockerfile')
  .replaceAll(/\\\n\s*/g, '')
  .split('\n')
  .filter((line) => !/^\s*(#|$)/.test(line))
  .map((line): Instruction => {
    const [name = '', ...rest] = line.split(' ');
    return { name, value: rest.join(' ') };
  })
  .reduce<Instruction[][]>((all, instruction) => {
    if (instruction.name === 'FROM') all.push([]);
    all.at(-1)?.push(instruction);
    return all;
  }, []);
const image = stages.at(-1) ?? [];
const valuesOf = (name: string, stage = image): string[] =>
  stage.filter((instruction) => instruction.name === name).map(({ value }) => value);

/** The settings that the code reads, those that it reads from a file too under both names. */
const settings = new Set([
  ...(read('src/config.ts').match(/\bJOBWRIGHT_[A-Z_]+\b/g) ?? []),
  ...[...read('src/config.ts').matchAll(/fromEnvironment\(env, '(\w+)'\)/g)].map(
    ([, name]) => `${name}_FILE`,
  ),
]);

/** Files that the build may take from the checkout. */
const sent = read('.dockerignore')
  .split('\n')
  .filter((line) => line.startsWith('!'))
  .map((line) => line.slice(1));

const copies = stages
  .flat()
  .filter(({ name, value }) => name === 'COPY' && !value.startsWith('--from'))
  .flatMap(({ value }) => value.split(' ').slice(0, -1));

describe('the Dockerfile', () => {
  it.each(copies)('finds %s, and is sent it', (file) => {
    expect(existsSync(pathOf(file))).toBe(true);
    expect(sent).toContain(file);
  });

  it('is sent nothing that it does not take', () => {
    expect([...sent].sort()).toEqual([...new Set(copies)].sort());
    expect(read('.dockerignore').split('\n')).toContain('*');
  });

  it('runs scripts that there are', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> };
    const asked = valuesOf('RUN', stages[0]).flatMap((value) =>
      [...value.matchAll(/npm run (\S+)/g)].map(([, script = '']) => script),
    );
    expect(asked).toEqual(['build']);
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(asked));
  });

  it('leaves in the image what is needed to run, and no more', () => {
    expect(valuesOf('RUN', stages[0]).at(-1)).toBe('npm prune --omit=dev');
    const { bin } = JSON.parse(read('package.json')) as { bin: Record<string, string> };
    expect(JSON.parse(valuesOf('ENTRYPOINT')[0] ?? '')).toEqual(['node', bin['jobwright']]);
  });

  it('sets only what the code reads, and no secret', () => {
    const names = valuesOf('ENV').map((value) => value.split('=')[0] ?? '');
    expect(names.filter((name) => !settings.has(name))).toEqual([]);
    expect(names).not.toContain('JOBWRIGHT_SECRETS');
    expect(valuesOf('ENV')).toContain('JOBWRIGHT_HOST=0.0.0.0');
  });

  it('runs as a user without rights, on the port that the service takes', () => {
    expect(valuesOf('USER')).toEqual(['node']);
    expect(valuesOf('EXPOSE')).toEqual(['8787']);
    expect(read('src/config.ts')).toContain("env['JOBWRIGHT_PORT'] ?? 8787");
  });

  it.runIf(isLong)('makes a program that runs out of what it is sent', patience, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'jobwright-image-'));
    try {
      for (const file of copies) {
        await cp(pathOf(file), join(folder, file), { recursive: true });
      }
      for (const command of valuesOf('RUN', stages[0])) {
        await promisify(exec)(command, { cwd: folder });
      }
      const [, ...entry] = JSON.parse(valuesOf('ENTRYPOINT')[0] ?? '') as string[];
      const { stdout } = await promisify(execFile)(process.execPath, [...entry, '--help'], {
        cwd: folder,
      });
      expect(stdout).toContain('serve');
      expect(existsSync(join(folder, 'node_modules/vitest'))).toBe(false);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('names no host that images come from', () => {
    const images = valuesOf('FROM', stages.flat()).map((value) => value.split(' ')[0] ?? '');
    expect(images.filter((name) => name.includes('/') || name.includes('.'))).toEqual([]);
  });
});

describe('the health check of the image', () => {
  const world = httpWorld();
  const [, json = ''] = /CMD (\[.*\])$/.exec(valuesOf('HEALTHCHECK')[0] ?? '') ?? [];
  const [program, ...args] = JSON.parse(json) as string[];
  const check = (url: string) =>
    promisify(execFile)(process.execPath, args, {
      env: { ...process.env, JOBWRIGHT_PORT: new URL(url).port },
    });

  it('asks a route that anyone may ask', () => {
    expect(program).toBe('node');
    const asked = routes.filter(({ path }) => args.join(' ').includes(`'${path}'`));
    expect(asked.map(({ path, access }) => [path, access])).toEqual([['/health/ready', 'anyone']]);
  });

  it('is well as long as the service takes requests', async () => {
    const service = await startService(world.manager.engine, { port: 0 });
    await expect(check(service.url)).resolves.toBeDefined();
    await service.stop();
    await expect(check(service.url)).rejects.toMatchObject({ code: 1 });
  });
});

describe('compose.yaml', () => {
  const compose = readYaml(read('compose.yaml'));
  const at = (...path: string[]): Yaml | undefined =>
    path.reduce<Yaml | undefined>(
      (value, key) =>
        typeof value === 'object' && !Array.isArray(value)
          ? (value as Readonly<Record<string, Yaml>>)[key]
          : undefined,
      compose,
    );
  const keys = (...path: string[]): string[] => Object.keys(at(...path) ?? {});
  const texts = (...path: string[]): readonly string[] => at(...path) as readonly string[];

  it('sets only what the code reads, and no secret', () => {
    const names = keys('services', 'service', 'environment');
    expect(names.filter((name) => !settings.has(name))).toEqual([]);
    expect(names).not.toContain('JOBWRIGHT_SECRETS');
  });

  it('gives the secret where the image looks for it', () => {
    const [secret = ''] = texts('services', 'service', 'secrets');
    expect(keys('secrets')).toEqual([secret]);
    expect(valuesOf('ENV')).toContain(`JOBWRIGHT_SECRETS_FILE=/run/secrets/${secret}`);
  });

  it('keeps data and archive in volumes, and all else read-only', () => {
    const volumes = ['service', 'mongo'].flatMap((name) => texts('services', name, 'volumes'));
    expect(volumes).toEqual(['archive:/archive', 'data:/data/db']);
    expect(keys('volumes')).toEqual(['archive', 'data']);
    expect(valuesOf('ENV')).toContain('JOBWRIGHT_ARCHIVE_ROOT=/archive');
    expect(at('services', 'service', 'read_only')).toBe('true');
  });

  it('is reached on loopback alone, and its database from nowhere', () => {
    const [exposed = ''] = valuesOf('EXPOSE');
    expect(texts('services', 'service', 'ports')).toEqual([`127.0.0.1:${exposed}:${exposed}`]);
    expect(keys('services', 'mongo')).not.toContain('ports');
    const url = at('services', 'service', 'environment', 'JOBWRIGHT_PUBLIC_URL');
    expect(url).toBe(`http://127.0.0.1:${exposed}`);
  });

  it('starts the service once the database takes writes', () => {
    expect(at('services', 'service', 'depends_on', 'mongo', 'condition')).toBe('service_healthy');
    expect(at('services', 'mongo', 'command')).toContain('--replSet rs0');
    expect(at('services', 'service', 'environment', 'JOBWRIGHT_MONGODB_URI')).toContain(
      'mongo:27017/?replicaSet=rs0',
    );
  });

  it('gives a stop more time than the service takes', () => {
    expect(at('services', 'service', 'stop_grace_period')).toBe('15s');
  });

  it('makes the replica set where there is none, and is well once it takes writes', () => {
    const script = texts('services', 'mongo', 'healthcheck', 'test').at(-1) ?? '';
    const made: unknown[] = [];
    const check = (isWritablePrimary: boolean): unknown => {
      const ended: unknown[] = [];
      const status = (): void => {
        if (made.length === 0) throw new Error('no replset config has been received');
      };
      runInNewContext(script, {
        rs: { status, initiate: (config: unknown) => made.push(config) },
        db: { hello: () => ({ isWritablePrimary }) },
        quit: (code: unknown) => ended.push(code),
      });
      return ended[0];
    };
    expect([check(false), check(true), check(true)]).toEqual([1, 0, 0]);
    expect(JSON.parse(JSON.stringify(made))).toEqual([
      { _id: 'rs0', members: [{ _id: 0, host: 'mongo:27017' }] },
    ]);
  });
});
