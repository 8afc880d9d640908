import { createDatasets } from '../../records/datasets.ts';
import * as schemas from '../datasetSchemas.ts';
import { defineRoute, type Route } from '../route.ts';

const bodyBytes = 4 * 1024 * 1024;
const refusals = { 404: 'DATASET_NOT_FOUND' };

const put = defineRoute({
  method: 'PUT',
  path: '/v1/datasets/{name}',
  access: 'dataset.write',
  summary: 'Create a dataset; one that has the name already stays as it is',
  body: schemas.datasetInput,
  bodyBytes,
  answers: { 200: schemas.dataset, 201: schemas.dataset },
  refusals: { 404: 'UNKNOWN_MACHINE' },
  async handle({ engine, principal, body, params: { name = '' } }) {
    const dataset = await createDatasets(engine, principal).create({ ...body, name });
    return { status: dataset.created ? 201 : 200, body: dataset };
  },
});

const list = defineRoute({
  method: 'GET',
  path: '/v1/datasets',
  access: 'job.list',
  summary: 'All datasets, by name',
  query: schemas.pageQuery,
  answers: { 200: schemas.datasets },
  async handle({ engine, principal, query }) {
    return { body: await createDatasets(engine, principal).list(query) };
  },
});

const get = defineRoute({
  method: 'GET',
  path: '/v1/datasets/{name}',
  access: 'job.list',
  summary: 'A dataset with its specifications',
  answers: { 200: schemas.dataset },
  refusals,
  async handle({ engine, principal, params: { name = '' } }) {
    return { body: await createDatasets(engine, principal).get(name) };
  },
});

const remove = defineRoute({
  method: 'DELETE',
  path: '/v1/datasets/{name}',
  access: 'dataset.write',
  summary: 'Drop a dataset; its records stay',
  answers: { 200: schemas.datasetRemoved },
  refusals,
  async handle({ engine, principal, params: { name = '' } }) {
    await createDatasets(engine, principal).remove(name);
    return { body: { removed: true } };
  },
});

const addEntries = defineRoute({
  method: 'POST',
  path: '/v1/datasets/{name}/entries',
  access: 'dataset.write',
  summary: 'Add entries, thousands at a time; those that are there stay as they are',
  body: schemas.entries,
  bodyBytes,
  answers: { 200: schemas.added },
  refusals,
  async handle({ engine, principal, body, params: { name = '' } }) {
    return { body: await createDatasets(engine, principal).addEntries(name, body.entries) };
  },
});

const addSpecifications = defineRoute({
  method: 'POST',
  path: '/v1/datasets/{name}/specifications',
  access: 'dataset.write',
  summary: 'Add specifications; those that are there stay as they are',
  body: schemas.specifications,
  bodyBytes,
  answers: { 200: schemas.added },
  refusals,
  async handle({ engine, principal, body, params: { name = '' } }) {
    const datasets = createDatasets(engine, principal);
    return { body: await datasets.addSpecifications(name, body.specifications) };
  },
});

const submit = defineRoute({
  method: 'POST',
  path: '/v1/datasets/{name}/submit',
  access: 'dataset.write',
  summary: 'Set up a record for each pair that has none yet; repeated, it goes on where it was',
  body: schemas.submit,
  bodyBytes,
  answers: { 200: schemas.submitted },
  refusals,
  async handle({ engine, principal, body, params: { name = '' } }) {
    return { body: await createDatasets(engine, principal).submit(name, body) };
  },
});

const status = defineRoute({
  method: 'GET',
  path: '/v1/datasets/{name}/status',
  access: 'job.list',
  summary: 'How many records are in which state, by specification',
  answers: { 200: schemas.datasetStatus },
  refusals,
  async handle({ engine, principal, params: { name = '' } }) {
    return { body: await createDatasets(engine, principal).status(name) };
  },
});

const items = defineRoute({
  method: 'GET',
  path: '/v1/datasets/{name}/items',
  access: 'job.list',
  summary: 'Pairs and their records, by specification, then entry',
  query: schemas.itemsQuery,
  answers: { 200: schemas.items },
  refusals,
  async handle({ engine, principal, query, params: { name = '' } }) {
    const { entry, specification, state, ...page } = query;
    const filter = {
      ...(entry !== undefined && { entries: [entry] }),
      ...(specification !== undefined && { specifications: [specification] }),
      ...(state !== undefined && { states: [state] }),
    };
    return { body: await createDatasets(engine, principal).items(name, filter, page) };
  },
});

export const datasetRoutes: readonly Route[] = [
  put,
  list,
  get,
  remove,
  addEntries,
  addSpecifications,
  submit,
  status,
  items,
];
