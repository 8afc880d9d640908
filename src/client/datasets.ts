import type { Added, DatasetSummary, DatasetView } from '../records/datasetCare.ts';
import type { DatasetInput, EntryInput, SubmitOptions } from '../records/datasetInput.ts';
import type { ItemView } from '../records/datasetItems.ts';
import type { DatasetStatus } from '../records/datasetStatus.ts';
import type { Submitted } from '../records/submitDataset.ts';
import { segment } from './checkOptions.ts';
import type { CallOptions, Request, Transport, WriteOptions } from './transport.ts';

export type {
  Added,
  DatasetInput,
  DatasetStatus,
  DatasetSummary,
  DatasetView,
  EntryInput,
  ItemView,
  SubmitOptions,
  Submitted,
};

interface Page {
  readonly limit?: number | undefined;
  readonly cursor?: string | undefined;
}

/** Which items: of one entry, one specification, whose records are in one state. */
export interface ItemQuery extends Page {
  readonly entry?: string | undefined;
  readonly specification?: string | undefined;
  readonly state?: string | undefined;
}

/** Tables of entries × specifications, whose cells are records. */
export interface DatasetsClient {
  /** Creates a dataset; one that has the name already stays as it is, and is told as not created. */
  create(
    input: DatasetInput,
    options?: WriteOptions,
  ): Promise<DatasetView & { readonly created: boolean }>;
  get(name: string, options?: CallOptions): Promise<DatasetView>;
  /** By name. */
  list(
    page?: Page,
    options?: CallOptions,
  ): Promise<{ readonly datasets: readonly DatasetSummary[]; readonly next?: string }>;
  /** Drops the table; its records stay. */
  remove(name: string, options?: WriteOptions): Promise<{ readonly removed: true }>;
  addSpecifications(
    name: string,
    specifications: NonNullable<DatasetInput['specifications']>,
    options?: WriteOptions,
  ): Promise<Added>;
  /** In requests of some thousands; those that are there stay as they are. */
  addEntries(name: string, entries: readonly EntryInput[], options?: WriteOptions): Promise<Added>;
  /** Part by part until all pairs are looked at; repeated after a failure it goes on where it was. */
  submit(name: string, input?: SubmitOptions, options?: WriteOptions): Promise<Submitted>;
  status(name: string, options?: CallOptions): Promise<DatasetStatus>;
  items(
    name: string,
    query?: ItemQuery,
    options?: CallOptions,
  ): Promise<{ readonly items: readonly ItemView[]; readonly next?: string }>;
  /** All items that fit, page by page. */
  allItems(name: string, query?: ItemQuery, options?: CallOptions): AsyncGenerator<ItemView, void>;
}

/** A request has room for 4 MiB, and time for so many pairs. */
const atATime = { bytes: 3 * 1024 * 1024, entries: 5_000, pairs: 5_000 };

export function createDatasetsClient(transport: Transport): DatasetsClient {
  // The service is believed to answer as its contract says.
  const ask = async <Result>(request: Request): Promise<Result> =>
    (await transport.request(request)).json as Result;
  const post = <Result>(
    name: string,
    what: string,
    body: unknown,
    options: WriteOptions,
  ): Promise<Result> => ask({ ...options, method: 'POST', path: `${pathOf(name)}/${what}`, body });
  const get = <Result>(
    path: string,
    options: CallOptions,
    query?: Request['query'],
  ): Promise<Result> => ask({ ...options, method: 'GET', path, query });
  const client: DatasetsClient = {
    create: ({ name, ...body }, options = {}) =>
      ask({ ...options, method: 'PUT', path: pathOf(name), body }),
    get: (name, options = {}) => get(pathOf(name), options),
    list: (page = {}, options = {}) => get('/v1/datasets', options, { ...page }),
    remove: (name, options = {}) => ask({ ...options, method: 'DELETE', path: pathOf(name) }),
    addSpecifications: (name, specifications, options = {}) =>
      post(name, 'specifications', { specifications }, options),
    async addEntries(name, entries, options = {}) {
      const all: { added: string[]; existing: string[] } = { added: [], existing: [] };
      for (const part of parts(entries)) {
        const told: Added = await post(name, 'entries', { entries: part }, partOptions(options));
        all.added.push(...told.added);
        all.existing.push(...told.existing);
      }
      return all;
    },
    async submit(name, { limit, ...input } = {}, options = {}) {
      const once = (cursor?: string): Promise<Submitted> => {
        const body = { ...input, limit: limit ?? atATime.pairs, ...(cursor && { cursor }) };
        return post(name, 'submit', body, partOptions(options));
      };
      let all = await once();
      while (limit === undefined && all.next !== undefined) all = sum(all, await once(all.next));
      return all;
    },
    status: (name, options = {}) => get(`${pathOf(name)}/status`, options),
    items: (name, query = {}, options = {}) => get(`${pathOf(name)}/items`, options, { ...query }),
    async *allItems(name, query = {}, options = {}) {
      let cursor = query.cursor;
      do {
        const page = await client.items(name, { limit: 500, ...query, cursor }, options);
        yield* page.items;
        cursor = page.next;
      } while (cursor !== undefined);
    },
  };
  return client;
}

const pathOf = (name: string): string => `/v1/datasets/${segment(name)}`;

/** What makes it safe to repeat is what is written: one key cannot stand for several requests. */
const partOptions = ({ signal }: WriteOptions): WriteOptions =>
  signal === undefined ? {} : { signal };

function* parts(entries: readonly EntryInput[]): Iterable<readonly EntryInput[]> {
  let part: EntryInput[] = [];
  let bytes = 0;
  for (const entry of entries) {
    // A character has three bytes at most, beside its escapes.
    const size = 3 * JSON.stringify(entry).length;
    if (part.length > 0 && (part.length === atATime.entries || bytes + size > atATime.bytes)) {
      yield part;
      [part, bytes] = [[], 0];
    }
    part.push(entry);
    bytes += size;
  }
  if (part.length > 0) yield part;
}

const sum = (one: Submitted, other: Submitted): Submitted => ({
  submitted: one.submitted + other.submitted,
  existing: one.existing + other.existing,
  kept: one.kept + other.kept,
  restored: one.restored + other.restored,
  already: one.already + other.already,
  refused: [...one.refused, ...other.refused],
  ...(other.next !== undefined && { next: other.next }),
});
