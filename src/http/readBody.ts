import { RequestError } from './requestError.ts';
import { parseJsonObject } from './strictJson.ts';

export interface BodyRules {
  /** Bytes at most. */
  readonly limit: number;
  /** `curl -d` says that it sends a form when it sends JSON: an outside system may. */
  readonly allowsFormType?: boolean;
}

/**
 * The JSON object in a request's body; `{}` without a body. Throws PAYLOAD_TOO_LARGE as soon as the
 * limit is passed, UNSUPPORTED_MEDIA_TYPE, MALFORMED_JSON, or BAD_REQUEST for one that breaks off.
 */
export async function readBody(
  request: Request,
  { limit, allowsFormType = false }: BodyRules,
): Promise<Record<string, unknown>> {
  const length = request.headers.get('content-length');
  if (length !== null && Number(length) > limit) throw tooLarge(limit);
  const bytes = await readBytes(request, length === null, limit);
  if (bytes.length > limit) throw tooLarge(limit);
  if (bytes.length === 0) return {};
  checkType(request.headers.get('content-type'), allowsFormType);
  checkEncoding(request.headers.get('content-encoding'));
  return parseJsonObject(bytes);
}

async function readBytes(request: Request, isChunked: boolean, limit: number): Promise<Uint8Array> {
  try {
    return isChunked
      ? await readChunks(request, limit)
      : new Uint8Array(await request.arrayBuffer());
  } catch (error) {
    if (error instanceof RequestError) throw error;
    // Its sender hung up, or sent what is no chunk: nothing of ours, so no failure in log and figures.
    throw new RequestError('BAD_REQUEST', 'The request cannot be read: its body breaks off');
  }
}

async function readChunks(request: Request, limit: number): Promise<Uint8Array> {
  if (!request.body) return new Uint8Array();
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > limit) throw tooLarge(limit);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function checkType(header: string | null, allowsFormType: boolean): void {
  const [type = '', ...parameters] = (header ?? '').toLowerCase().split(';');
  const media = type.trim();
  const isJson = media === 'application/json' || /^application\/[a-z0-9.+-]+\+json$/.test(media);
  const isForm = media === 'application/x-www-form-urlencoded' || media === '';
  const charset = parameters.find((parameter) => parameter.trim().startsWith('charset='));
  const isUtf8 = charset === undefined || /^\s*charset="?utf-?8"?\s*$/.test(charset);
  if ((isJson || (isForm && allowsFormType)) && isUtf8) return;
  throw new RequestError(
    'UNSUPPORTED_MEDIA_TYPE',
    'The body must be JSON in UTF-8; send the header Content-Type: application/json',
  );
}

function checkEncoding(header: string | null): void {
  if (header === null || header.trim().toLowerCase() === 'identity') return;
  throw new RequestError(
    'UNSUPPORTED_MEDIA_TYPE',
    'The body must not be compressed; send it without Content-Encoding',
  );
}

const tooLarge = (limit: number): RequestError =>
  new RequestError('PAYLOAD_TOO_LARGE', `The body may have at most ${limit} bytes`, { limit });
