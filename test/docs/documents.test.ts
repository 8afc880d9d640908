import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path/posix';
import { describe, expect, it } from 'vitest';
import { pipelineJob } from '../../machines/index.ts';
import { authorise, type Action, type Principal } from '../../src/auth/authorise.ts';
import { TOKEN_LIFETIMES, TOKEN_LIMIT, type VerifiedToken } from '../../src/auth/tokens.ts';
import * as errors from '../../src/errors.ts';
import { defaultLimits as limits } from '../../src/limits.ts';
import type { ActorKind } from '../../src/machine/actor.ts';
import { jsonLimits } from '../../src/machine/canonicalJson.ts';
import { mermaid } from '../../src/machine/diagram.ts';
import { maxClaims } from '../../src/records/claimJobs.ts';
import { linkFields } from '../../src/store/store.ts';
import { pipelineJobTable } from '../machines/pipelineJobTable.ts';
import { blocksOf, codeIn, pages, pathOf, read, tableUnder } from './pages.ts';

describe('README.md', () => {
  it('has the diagram of the pipeline job', () => {
    expect(blocksOf('README.md', 'mermaid')).toEqual([mermaid(pipelineJob)]);
    expect(blocksOf('machines/README.md', 'mermaid')).toContain(mermaid(pipelineJob));
  });

  it('has every setting, and none that the code does not read', () => {
    const variable = /\b(?:JOBWRIGHT|MONGOMS)_[A-Z_]+\b/g;
    const sources = [
      'src/config.ts',
      'src/cli/service.ts',
      'src/embedded/findMongod.ts',
      'src/embedded/mongodCache.ts',
    ];
    // A variant that names a file is told below the table.
    const found = sources.flatMap((file) => read(file).match(variable) ?? []);
    const readByCode = new Set(found.filter((name) => !name.endsWith('_FILE')));
    const told = tableUnder('README.md', '## Configuration').flatMap(([cell = '']) => codeIn(cell));
    expect([...told].sort()).toEqual([...readByCode].sort());
  });
});

describe('docs/lifeCycle.md', () => {
  it('has every state of the machine', () => {
    const states = tableUnder('docs/lifeCycle.md', '## States').flatMap(([name = '']) =>
      codeIn(name),
    );
    expect(states).toEqual(Object.keys(pipelineJobTable));
  });

  it('says where each event is accepted', () => {
    const rows = tableUnder('docs/lifeCycle.md', '## Events').map(([name = '', , where = '']) => [
      codeIn(name)[0],
      where === 'every state' ? Object.keys(pipelineJobTable) : codeIn(where),
    ]);
    const legal = Object.keys(pipelineJob.events).map((event) => [
      event,
      Object.keys(pipelineJobTable).filter((state) => pipelineJobTable[state]?.[event]),
    ]);
    expect(rows).toEqual(legal);
  });
});

describe('docs/tokens.md', () => {
  /** Each action under the words of its row. */
  const rows: Readonly<Record<Action, string>> = {
    'job.create': 'set up a job',
    'job.read': 'read a job and its history',
    'job.list': 'list jobs *',
    'job.send': 'send events',
    'job.cancel': 'cancel',
    'job.reset': 'reset',
    'job.delete': 'delete',
    'token.issue': "issue a job's tokens",
    'token.revoke': "revoke a job's tokens",
    'registry.read': 'read pipelines and documents *',
    'registry.write': 'write pipelines and documents *',
    'stream.read': 'read the stream *',
    'metrics.read': 'read the metrics *',
    'audit.read': 'read the audit records *',
    'job.work': 'report on claimed jobs *',
    'worker.act': 'act as a worker *',
    'worker.read': 'read workers *',
    'bulk.run': 'act on many jobs *',
    'dataset.write': 'write datasets *',
  };
  const kinds: readonly ActorKind[] = ['job', 'worker', 'reader', 'operator', 'admin', 'system'];

  const principal = (kind: ActorKind): Principal => {
    const actor = { kind, id: 'job-1' };
    const token: VerifiedToken = {
      actor,
      tokenId: 'token-1',
      expiresAt: 0,
      once: false,
      ...(kind === 'job' && { generation: 1 }),
    };
    return kind === 'system' ? { actor } : { actor, token };
  };

  const may = (kind: ActorKind, action: Action): string => {
    try {
      authorise(principal(kind), action, { jobId: 'job-1', generation: 1, event: 'run' });
      return 'yes';
    } catch (error) {
      expect(error).toBeInstanceOf(errors.JobError);
      return '–';
    }
  };

  it('tells who may do what as the table in the code does', () => {
    const real = (Object.keys(rows) as Action[]).map((action) => [
      rows[action],
      ...kinds.map((kind) => may(kind, action)),
    ]);
    expect(tableUnder('docs/tokens.md', '## Who may do what')).toEqual(real);
  });

  it('tells how long tokens live', () => {
    const spoken = (seconds: number): string => {
      const [count, unit] =
        seconds % 86_400 === 0 ? [seconds / 86_400, 'day'] : [seconds / 3_600, 'hour'];
      return `${count} ${unit}${count === 1 ? '' : 's'}`;
    };
    const real = Object.entries(TOKEN_LIFETIMES).map(([kind, { usual, longest }]) => [
      `\`${kind}\``,
      spoken(usual),
      spoken(longest),
    ]);
    const told = tableUnder('docs/tokens.md', '## Kinds and lifetimes').map(
      ([kind, , usual, longest]) => [kind, usual, longest],
    );
    expect(told).toEqual(real);
  });
});

describe('docs/linkedDocuments.md', () => {
  it('names the eight link fields', () => {
    expect(read('docs/linkedDocuments.md')).toContain(
      linkFields.map((field) => `\`${field}\``).join(' '),
    );
  });
});

describe('docs/guarantees.md', () => {
  const told = new Map(
    tableUnder('docs/guarantees.md', '## Limits').map(([what = '', limit = '']) => [
      what,
      Number.parseInt(limit.replaceAll(',', ''), 10),
    ]),
  );

  it.each([
    ['Data of one event, and of a set-up', jsonLimits.bytes],
    ['the same: nesting', jsonLimits.depth],
    ['the same: keys and list items together', jsonLimits.keys],
    ['Events in a chain', limits.chain],
    ['Data of a chain', limits.chainBytes],
    ['Entries in a life of a job', limits.history],
    ['Token', TOKEN_LIMIT],
    ['One output of an attempt', limits.output],
    ['Claims, or reports, in one call of a worker', maxClaims],
  ])('tells the limit of the code: %s', (what, limit) => {
    expect(told.get(what)).toBe(limit);
  });

  it('tells from where on a history is long', () => {
    const warning = limits.historyWarning.toLocaleString('en');
    expect(read('docs/guarantees.md')).toContain(`At ${warning} the telemetry event`);
  });
});

describe('docs/errors.md', () => {
  /** One of each. A class without one fails the first test below. */
  const made: readonly errors.JobError[] = [
    new errors.InvalidTransition({ jobId: '', event: '', index: 0, from: '', allowed: [] }),
    new errors.UnknownEvent('', []),
    new errors.UnknownMachine('', []),
    new errors.InvalidData('', []),
    new errors.JobNotFound(''),
    new errors.PipelineNotFound(''),
    new errors.DocumentNotFound('', ''),
    new errors.ParentNotFound(''),
    new errors.StreamOverflow(1),
    new errors.MixedParents([], []),
    new errors.Unauthenticated(''),
    new errors.Forbidden('', ''),
    new errors.AdminRequired(''),
    new errors.ManagedPipelineJobError(''),
    new errors.CancelTooLate('', ''),
    new errors.IdempotencyConflict(''),
    new errors.VersionMismatch(1, 2),
    new errors.ArchivePathRefused('', ''),
    new errors.StoreUnavailable(''),
    new errors.EffectFailed('', '', ''),
    new errors.WorkerNotFound(''),
    new errors.WorkerExists(''),
    new errors.WorkerInactive('', ''),
    new errors.LeaseLost('', 1, { state: '', worker: null, epoch: 2 }),
    new errors.OutputTooLarge('', 2, 1),
    new errors.OutputNotFound('', ''),
    new errors.PlanRequired(''),
    new errors.PlanRefused(''),
    new errors.StillReferenced('', []),
    new errors.DatasetNotFound(''),
    new errors.InvalidMachine('', []),
    new errors.MachineFault('', '', ''),
    new errors.InvalidConfiguration('', ''),
    new errors.EmbeddedMongoError(''),
  ];
  const classes = Object.keys(errors).filter((name) => name !== 'JobError');
  const sections = new Map(
    read('docs/errors.md')
      .split(/^## /m)
      .slice(1)
      .map((section) => [section.split('\n')[0] ?? '', section]),
  );

  it('has a section for each class, and none for a class that does not exist', () => {
    expect(made.map(({ constructor }) => constructor.name).sort()).toEqual([...classes].sort());
    expect([...sections.keys()].sort()).toEqual([...classes].sort());
  });

  it.each(made.map((error) => ({ name: error.constructor.name, error })))(
    'tells code and fields of $name',
    ({ name, error }) => {
      const { code, message: _message, ...fields } = error.toJSON();
      const [, line = ''] = /^(Code .*)$/m.exec(sections.get(name) ?? '') ?? [];
      expect(codeIn(line.replaceAll(/\([^)]*\)/g, ''))).toEqual([code, ...Object.keys(fields)]);
    },
  );
});

describe('a link', () => {
  const slugOf = (heading: string): string =>
    heading
      .trim()
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, '')
      .replaceAll(' ', '-');
  const slugsOf = (page: string): string[] =>
    [...read(page).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => slugOf(heading));
  const links = pages.flatMap((page) =>
    [...read(page).matchAll(/\]\(([^)]+)\)/g)].map(([, link = '']) => ({ page, link })),
  );

  it.each(links)('of $page leads somewhere: $link', ({ page, link }) => {
    const [path = '', anchor] = link.split('#');
    const target = path === '' ? page : join(dirname(page), path);
    expect(existsSync(pathOf(target)), target).toBe(true);
    if (anchor !== undefined) expect(slugsOf(target)).toContain(anchor);
  });
});
