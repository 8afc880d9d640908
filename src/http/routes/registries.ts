import { DocumentNotFound, PipelineNotFound } from '../../errors.ts';
import { defineRoute, type Route } from '../route.ts';
import * as schemas from '../schemas.ts';

const putPipeline = defineRoute({
  method: 'PUT',
  path: '/v1/pipelines/{id}',
  access: 'registry.write',
  summary: 'Register a pipeline, or describe it anew',
  body: schemas.pipelineInput,
  answers: { 200: schemas.pipeline },
  async handle({ service, body, params: { id = '' } }) {
    return { body: await service.registries.pipelines.put(id, body) };
  },
});

const getPipeline = defineRoute({
  method: 'GET',
  path: '/v1/pipelines/{id}',
  access: 'registry.read',
  summary: 'A registered pipeline',
  answers: { 200: schemas.pipeline },
  refusals: { 404: 'PIPELINE_NOT_FOUND' },
  async handle({ service, params: { id = '' } }) {
    const pipeline = await service.registries.pipelines.get(id);
    if (!pipeline) throw new PipelineNotFound(id);
    return { body: pipeline };
  },
});

const listPipelines = defineRoute({
  method: 'GET',
  path: '/v1/pipelines',
  access: 'registry.read',
  summary: 'All registered pipelines',
  answers: { 200: schemas.pipelines },
  async handle({ service }) {
    return { body: { pipelines: await service.registries.pipelines.list() } };
  },
});

const putDocument = defineRoute({
  method: 'PUT',
  path: '/v1/documents/{collection}/{id}',
  access: 'registry.write',
  summary: 'Store a linked document as a whole; its link fields are lists of ids',
  body: schemas.document,
  answers: { 200: schemas.document },
  async handle({ service, body, params: { collection = '', id = '' } }) {
    return { body: await service.registries.documents.put(collection, id, body) };
  },
});

const getDocument = defineRoute({
  method: 'GET',
  path: '/v1/documents/{collection}/{id}',
  access: 'registry.read',
  summary: 'A linked document',
  answers: { 200: schemas.document },
  refusals: { 404: 'DOCUMENT_NOT_FOUND' },
  async handle({ service, params: { collection = '', id = '' } }) {
    const document = await service.registries.documents.get(collection, id);
    if (!document) throw new DocumentNotFound(collection, id);
    return { body: document };
  },
});

export const registryRoutes: readonly Route[] = [
  putPipeline,
  getPipeline,
  listPipelines,
  putDocument,
  getDocument,
];
