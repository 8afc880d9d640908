import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Lower layers first; a file imports from its own layer or from lower ones. */
const layers: readonly (readonly string[])[] = [
  ['src/errors.ts', 'src/telemetry'],
  ['src/machine'],
  ['machines'],
  ['src/auth'],
  ['src/config.ts', 'src/limits.ts'],
  ['src/archive'],
  ['src/store'],
  ['src/embedded'],
  ['src/effects'],
  ['src/jobs', 'src/maintenance', 'src/records', 'src/bulk'],
  ['src/worker'],
  ['src/http'],
  ['src/client'],
  ['src/cli', 'src/testing'],
  ['src/index.ts'],
];

const files = ['src', 'machines']
  .flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) =>
      join(folder, file),
    ),
  )
  .filter((file) => file.endsWith('.ts'));

interface Import {
  readonly from: string;
  /** A file of the project, or a package. */
  readonly to: string;
  readonly isType: boolean;
}

const imports = files.flatMap(importsOf);

function importsOf(file: string): Import[] {
  const source = ts.createSourceFile(
    file,
    readFileSync(join(root, file), 'utf8'),
    ts.ScriptTarget.Latest,
  );
  const found: Import[] = [];
  const add = (specifier: string, isType: boolean): void => {
    const to = specifier.startsWith('.') ? normalize(join(dirname(file), specifier)) : specifier;
    found.push({ from: file, to, isType });
  };
  const visit = (node: ts.Node): void => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier) {
      const isType = ts.isImportDeclaration(node) ? isTypeImport(node) : node.isTypeOnly;
      add((node.moduleSpecifier as ts.StringLiteral).text, isType);
    }
    const [argument] =
      ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword
        ? node.arguments
        : [];
    if (argument && ts.isStringLiteral(argument)) add(argument.text, false);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function isTypeImport({ importClause }: ts.ImportDeclaration): boolean {
  if (!importClause) return false;
  if (importClause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const { name, namedBindings } = importClause;
  if (name || !namedBindings || !ts.isNamedImports(namedBindings)) return false;
  return namedBindings.elements.every(({ isTypeOnly }) => isTypeOnly);
}

const layerOf = (file: string): number =>
  layers.findIndex((places) =>
    places.some((place) => file === place || file.startsWith(`${place}/`)),
  );

describe('the architecture', () => {
  it('has a layer for every file', () => {
    expect(files.filter((file) => layerOf(file) < 0)).toEqual([]);
  });

  it('imports downward only', () => {
    const upward = imports.filter(({ from, to }) => layerOf(to) > layerOf(from));
    expect(upward).toEqual([]);
  });

  it('has no cycle of imports, types aside', () => {
    const below = new Map<string, string[]>();
    for (const { from, to, isType } of imports) {
      if (!isType && layerOf(to) >= 0) below.set(from, [...(below.get(from) ?? []), to]);
    }
    const done = new Set<string>();
    const cycles: string[][] = [];
    const walk = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) return void cycles.push([...path.slice(path.indexOf(file)), file]);
      if (done.has(file)) return;
      for (const next of below.get(file) ?? []) walk(next, [...path, file]);
      done.add(file);
    };
    files.forEach((file) => walk(file, []));
    expect(cycles).toEqual([]);
  });

  it('keeps machines and the machine layer pure: they import xstate, zod and each other', () => {
    const pure = imports.filter(({ from }) => /^(src\/machine|machines)\//.test(from));
    const impure = pure.filter(
      ({ to }) =>
        !['xstate', 'zod', 'src/errors.ts'].includes(to) && !/^(src\/machine|machines)\//.test(to),
    );
    expect(impure).toEqual([]);
  });

  it.each([
    ['jsonwebtoken', ['src/auth/tokens.ts']],
    ['pino', ['src/telemetry/log.ts']],
    ['prom-client', ['src/telemetry/metrics.ts']],
    ['@opentelemetry/api', ['src/telemetry/tracing.ts']],
  ])('imports %s in one place', (library, places) => {
    const importers = imports.filter(({ to }) => to === library).map(({ from }) => from);
    expect([...new Set(importers)]).toEqual(places);
  });

  it('reaches MongoDB from the store and the embedded server alone, types aside', () => {
    const importers = imports.filter(({ to, isType }) => to === 'mongodb' && !isType);
    expect(importers.filter(({ from }) => !/^src\/(store\/mongo|embedded)\//.test(from))).toEqual(
      [],
    );
  });

  it('keeps test helpers out of the product', () => {
    const reaching = imports.filter(
      ({ from, to }) => to.startsWith('src/testing/') && !from.startsWith('src/testing/'),
    );
    expect(reaching).toEqual([]);
  });

  it('shows a newcomer the whole way of an event in five files of at most 600 lines', () => {
    const tour = [
      'machines/pipelineJob.ts',
      'src/machine/step.ts',
      'src/jobs/sendEvents.ts',
      'src/store/mongo/append.ts',
      'src/effects/runner.ts',
    ];
    const lines = tour.map((file) => readFileSync(join(root, file), 'utf8').split('\n').length - 1);
    expect(lines.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(600);
  });
});
