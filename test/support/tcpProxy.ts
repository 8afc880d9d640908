import { createServer, connect, type AddressInfo, type Socket } from 'node:net';

/**
 * What becomes of a request: `pass`; `lose` it with the connection before it is sent on; send it on and
 * lose the connection with its `answer`; send it on and lose the connection at once, `early`, while the
 * server is still at it.
 */
export type Fate = 'pass' | 'lose' | 'answer' | 'early';

export interface TcpProxy {
  readonly port: number;
  close(): Promise<void>;
}

/** A proxy on loopback that decides the fate of each piece of data that clients send. */
export async function startTcpProxy(
  target: { readonly host: string; readonly port: number },
  decide: (request: Buffer) => Fate,
): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(target);
    let isAnswerLost = false;
    const end = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      // A connection that breaks is what this is about; its other side ends with it.
      socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
    }
    client.on('close', () => (isAnswerLost ? undefined : upstream.destroy()));
    upstream.on('close', () => client.destroy());
    client.on('data', (request) => {
      if (isAnswerLost) return;
      const fate = decide(request);
      if (fate === 'lose') return end();
      isAnswerLost = fate !== 'pass';
      upstream.write(request);
      if (fate === 'early') client.destroy();
    });
    upstream.on('data', (answer) => {
      if (isAnswerLost) end();
      else client.write(answer);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
