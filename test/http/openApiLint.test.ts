import { createConfig, lintFromString } from '@redocly/openapi-core';
import { describe, expect, it } from 'vitest';
import { openApiOf } from '../../src/http/openApi.ts';

const lint = async (document: unknown): Promise<string[]> => {
  const config = await createConfig({ extends: ['recommended'] });
  const source = JSON.stringify(document);
  const problems = await lintFromString({ source, absoluteRef: '/openapi.json', config });
  return problems.map(({ severity, ruleId, message }) => `${severity} ${ruleId}: ${message}`);
};

describe('the OpenAPI document', () => {
  it('has nothing for a linter to complain of', async () => {
    expect(await lint(openApiOf())).toEqual([]);
  });

  it('would be complained of if a route answered with nothing', async () => {
    const document = structuredClone(openApiOf()) as { paths: Record<string, object> };
    document.paths['/v1/none'] = { get: { summary: 'nothing', responses: {} } };
    expect((await lint(document)).length).toBeGreaterThan(0);
  });
});
