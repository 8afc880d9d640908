/** What a scripted fetch was asked. */
export interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: Headers;
  readonly body: unknown;
  readonly redirect: string | undefined;
}

type Reply =
  Response | Error | ((asked: Asked, signal: AbortSignal) => Response | Promise<Response>);

/** A fetch that gives these replies in turn; a request beyond them fails. */
export function scriptedFetch(...replies: Reply[]): { fetch: typeof fetch; asked: Asked[] } {
  const asked: Asked[] = [];
  const scripted = async (
    input: string | URL | Request,
    init: RequestInit = {},
  ): Promise<Response> => {
    const request: Asked = {
      method: init.method ?? 'GET',
      url: input instanceof Request ? input.url : input.toString(),
      headers: new Headers(init.headers),
      body: typeof init.body === 'string' ? (JSON.parse(init.body) as unknown) : undefined,
      redirect: init.redirect,
    };
    asked.push(request);
    const reply = replies.shift() ?? new Error('nothing more is scripted');
    if (reply instanceof Error) throw reply;
    return reply instanceof Response ? reply : reply(request, init.signal as AbortSignal);
  };
  return { fetch: scripted, asked };
}

export const json = (body: unknown, status = 200, headers: Record<string, string> = {}): Response =>
  new Response(JSON.stringify(body), { status, headers });

export const problem = (
  status: number,
  code: string,
  fields: Readonly<Record<string, unknown>> = {},
  headers: Record<string, string> = {},
): Response =>
  json(
    { type: 'about:blank', title: code, status, detail: `${code} it is`, code, ...fields },
    status,
    headers,
  );

/** A response whose body is these pieces of text, and then its end. */
export const streamOf = (...pieces: readonly string[]): Response =>
  new Response(bytesOf(pieces), { headers: { 'Content-Type': 'text/event-stream' } });

export const bytesOf = (pieces: readonly (string | Uint8Array)[]): ReadableStream<Uint8Array> => {
  const left = pieces.map((piece) =>
    typeof piece === 'string' ? new TextEncoder().encode(piece) : piece,
  );
  return new ReadableStream({
    pull(controller) {
      const piece = left.shift();
      if (piece) controller.enqueue(piece);
      else controller.close();
    },
  });
};

/** Like what undici throws where nobody listens. */
export const refused = (): TypeError =>
  new TypeError('fetch failed', {
    cause: Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:1'), { code: 'ECONNREFUSED' }),
  });
