import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Commands that a shard also knows as a router: it then asks every shard that it has to. */
const routed: Readonly<Record<string, string>> = {
  find: 'clusterFind',
  getMore: 'clusterGetMore',
  insert: 'clusterInsert',
  update: 'clusterUpdate',
  delete: 'clusterDelete',
  aggregate: 'clusterAggregate',
};
const headerBytes = 16;
const messageCode = 2013;
/** After the header: four bytes of flags, and the kind of the first section, which is the command. */
const commandAt = headerBytes + 5;

export interface ShardRouter {
  readonly port: number;
  close(): Promise<void>;
}

/**
 * Stands before one shard of a cluster and has it do a router's work for some collections: it renames
 * commands to those by which a shard of MongoDB 6.0 routes for itself. No more than a test needs: what is
 * not in the list goes to this one shard, as it is.
 */
export async function startShardRouter(
  shardPort: number,
  collections: readonly string[],
): Promise<ShardRouter> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const shard = connect(shardPort, '127.0.0.1');
    for (const socket of [client, shard]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        client.destroy();
        shard.destroy();
      });
    }
    shard.on('data', (bytes) => client.write(bytes));
    let rest: Buffer = Buffer.alloc(0);
    client.on('data', (bytes: Buffer) => {
      rest = Buffer.concat([rest, bytes]);
      while (rest.length >= headerBytes && rest.length >= rest.readInt32LE(0)) {
        const length = rest.readInt32LE(0);
        shard.write(reroute(rest.subarray(0, length), collections));
        rest = rest.subarray(length);
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** The same message, with the command's name replaced where the cluster is to be asked. */
function reroute(message: Buffer, collections: readonly string[]): Buffer {
  const isCommand = message.readInt32LE(12) === messageCode && message[commandAt - 1] === 0;
  if (!isCommand) return message;
  // A document: its length, then for each field a type, a name that ends with a zero, and a value.
  const nameAt = commandAt + 5;
  const nameEnd = message.indexOf(0, nameAt);
  const other = routed[message.toString('utf8', nameAt, nameEnd)];
  const isRouted = collections.some((name) => speaksOf(message, nameEnd, name));
  if (other === undefined || !isRouted) return message;
  const grown = Buffer.concat([
    message.subarray(0, nameAt),
    Buffer.from(other, 'utf8'),
    message.subarray(nameEnd),
  ]);
  const added = grown.length - message.length;
  grown.writeInt32LE(message.readInt32LE(0) + added, 0);
  grown.writeInt32LE(message.readInt32LE(commandAt) + added, commandAt);
  return grown;
}

/** Whether the command's first value is this collection, or for a cursor, its field `collection`. */
function speaksOf(message: Buffer, nameEnd: number, collection: string): boolean {
  const text = Buffer.alloc(collection.length + 5);
  text.writeInt32LE(collection.length + 1, 0);
  text.write(collection, 4);
  const isFirst = message.subarray(nameEnd + 1, nameEnd + 1 + text.length).equals(text);
  const field = Buffer.concat([Buffer.from('\u0002collection\0', 'utf8'), text]);
  const cursorIdBytes = 8;
  const second = nameEnd + 1 + cursorIdBytes;
  return isFirst || message.subarray(second, second + field.length).equals(field);
}
