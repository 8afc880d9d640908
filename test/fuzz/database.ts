import type { Db, Document } from 'mongodb';
import { linkFields } from '../../src/store/store.ts';

const linked = ['experiments', 'samples', 'measurements', 'files', 'references'];

/** The fields that documents of a collection have; those of a linked one also have what clients like. */
const fields: Readonly<Record<string, readonly string[]>> = {
  commits: [
    ...['_id', 'type', 'typeVersion', 'at', 'process', 'nonce', 'entries', 'setup', 'keys'],
    'linksRemoved',
  ],
  jobs: [
    ...['_id', 'type', 'typeVersion', 'seq', 'createdSeq', 'state', 'states', 'snapshot', 'data'],
    ...[
      'setup',
      'links',
      'createdAt',
      'updatedAt',
      'lastEvent',
      'generation',
      'headHash',
      'timers',
    ],
    ...['wakeAt', 'linkedIds', 'lastAt', 'queue', 'lease'],
  ],
  tombstones: ['_id', 'seq'],
  effects: [
    ...['_id', 'job', 'seq', 'index', 'type', 'typeVersion', 'effect', 'status', 'dueAt'],
    ...['attempts', 'error', 'owner', 'leaseUntil', 'doneAt'],
  ],
  processes: ['_id', 'projectedUntil', 'beatAt'],
  pipelines: ['_id', 'name', 'description', 'metadata', 'createdAt', 'updatedAt'],
  archives: ['_id', 'job'],
  counts: [
    ...[
      '_id',
      'version',
      'upTo',
      'beyond',
      'counts',
      'isOpen',
      'goneAt',
      'cleared',
      'taken',
      'older',
    ],
  ],
  workers: [
    ...['_id', 'subject', 'tags', 'programs', 'status', 'activatedAt', 'beatAt', 'deadline'],
    ...['leaseSeconds', 'endedAt', 'counts'],
  ],
  datasets: [
    ...['_id', 'description', 'type', 'tag', 'priority', 'specifications'],
    ...['createdAt', 'updatedAt'],
  ],
  datasetEntries: ['_id', 'data'],
  datasetItems: ['_id', 'job'],
  looseOutputs: ['_id', 'job', 'bytes', 'storedAt'],
  'outputs.files': ['_id', 'length', 'chunkSize', 'uploadDate', 'filename', 'metadata'],
  'outputs.chunks': ['_id', 'files_id', 'n', 'data'],
  audit: [
    ...['_id', 'at', 'action', 'outcome', 'jobId', 'actor', 'tokenId', 'code', 'reason'],
    ...['requestId', 'suppressed'],
  ],
};

const entryFields = [
  ...[
    'name',
    'operation',
    'data',
    'dataDigest',
    'from',
    'to',
    'actor',
    'tokenId',
    'key',
    'keyCount',
  ],
  ...['effects', 'hash'],
];

/** Collections and top-level fields that nobody meant to be there. */
export async function findStrangers(db: Db): Promise<string[]> {
  const strangers = new Set<string>();
  for (const { name } of await db.listCollections({}, { nameOnly: true }).toArray()) {
    const known = fields[name];
    if (!known && !linked.includes(name)) strangers.add(`collection ${name}`);
    for await (const document of db.collection(name).find()) {
      const odd = known ? unknownFields(document, known) : oddLinks(document);
      for (const each of odd) strangers.add(`${name}: ${each}`);
    }
  }
  return [...strangers];
}

function unknownFields(document: Document, known: readonly string[]): string[] {
  const entries = (document['entries'] ?? []) as object[];
  return [
    ...Object.keys(document).filter((name) => !known.includes(name)),
    ...entries.flatMap((entry) => Object.keys(entry)).filter((name) => !entryFields.includes(name)),
    ...(isText(document['_id']) || composed.some((name) => known === fields[name])
      ? []
      : ['an id that is no text']),
  ];
}

/** Collections whose ids are no texts. */
const composed = [
  'commits',
  'audit',
  'datasetEntries',
  'datasetItems',
  'outputs.files',
  'outputs.chunks',
];

/** What the engine itself reads of a linked document is of the types that it relies on. */
function oddLinks(document: Document): string[] {
  const lists = [...linkFields, '_paths'].filter((name) => Object.hasOwn(document, name));
  return [
    ...lists.filter((name) => !Array.isArray(document[name]) || !document[name].every(isText)),
    ...(isText(document['_id']) ? [] : ['an id that is no text']),
    ...Object.keys(document).filter((name) => name === '__proto__' || name.includes('\0')),
  ];
}

const isText = (value: unknown): boolean => typeof value === 'string';

/** Moves with every write of a client, and with what follows from one. */
export async function writesOf(db: Db): Promise<string> {
  const sizes = await Promise.all(
    ['pipelines', ...linked].map((name) =>
      db
        .collection(name)
        .aggregate([
          {
            $group: {
              _id: null,
              count: { $sum: 1 },
              size: { $sum: { $bsonSize: '$$ROOT' } },
              newest: { $max: '$updatedAt' },
            },
          },
        ])
        .toArray(),
    ),
  );
  return JSON.stringify([await db.collection('commits').countDocuments(), sizes]);
}
