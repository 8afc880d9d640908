import { toRow, type Row } from './figures.ts';
import type { OpenPlace } from './processesParts.ts';

const megabyte = 2 ** 20;

interface Stats {
  readonly count: number;
  readonly size: number;
  readonly storageSize: number;
  readonly indexSizes: Readonly<Record<string, number>>;
}

/** What the database takes: each large collection's documents, as they are and on disk, and each index. */
export async function measureSizes({ db, admin }: OpenPlace): Promise<Row[]> {
  const rows: Row[] = [];
  const row = (name: string, bytes: number): void =>
    void rows.push(
      toRow({ bench: 'scale', row: name, unit: 'MB', durability: '' }, [
        { value: bytes / megabyte },
      ]),
    );
  // Sizes are those of the last checkpoint.
  await admin.command({ fsync: 1 });
  for (const name of ['commits', 'jobs', 'effects']) {
    const stats = (await db.command({ collStats: name })) as unknown as Stats;
    const { count, size, storageSize, indexSizes } = stats;
    row(`${name}: ${count.toLocaleString('en')} documents as BSON`, size);
    row(`${name}: on disk, compressed`, storageSize);
    for (const [index, bytes] of Object.entries(indexSizes)) row(`${name}: index ${index}`, bytes);
  }
  const { mem } = (await admin.command({ serverStatus: 1 })) as { mem?: { resident?: number } };
  row('resident memory of mongod', (mem?.resident ?? NaN) * megabyte);
  row('resident memory of the measuring process', process.memoryUsage().rss);
  return rows;
}
