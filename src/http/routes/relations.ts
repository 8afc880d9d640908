import { readChildren, readParents } from '../../records/readRelations.ts';
import * as schemas from '../datasetSchemas.ts';
import { defineRoute, type Route } from '../route.ts';

const children = defineRoute({
  method: 'GET',
  path: '/v1/jobs/{id}/children',
  access: 'job.list',
  summary: 'The jobs that have this one for a parent, by id',
  query: schemas.pageQuery,
  answers: { 200: schemas.children },
  refusals: { 404: 'JOB_NOT_FOUND' },
  async handle({ engine, query, params: { id = '' } }) {
    return { body: await readChildren(engine, id, query) };
  },
});

const parents = defineRoute({
  method: 'GET',
  path: '/v1/jobs/{id}/parents',
  access: 'job.list',
  summary: 'The jobs that this one has for parents; documents are not among them',
  answers: { 200: schemas.parents },
  refusals: { 404: 'JOB_NOT_FOUND' },
  async handle({ engine, params: { id = '' } }) {
    return { body: { parents: await readParents(engine, id) } };
  },
});

export const relationRoutes: readonly Route[] = [children, parents];
