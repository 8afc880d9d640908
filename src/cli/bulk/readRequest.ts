import type { BulkRequest } from '../../client/bulk.ts';
import { InvalidData } from '../../errors.ts';
import type { Io } from '../io.ts';
import { readData } from '../readData.ts';
import type { ServiceOptions } from '../service.ts';

export interface RequestOptions extends ServiceOptions {
  readonly q?: readonly string[];
  readonly idsFile?: string;
  readonly scope?: Exclude<BulkRequest['scope'], undefined>;
  readonly data?: string;
  readonly reason?: string;
  readonly asAdmin?: boolean;
}

/** The request that arguments and options make. */
export async function readRequest(
  io: Io,
  op: string,
  given: readonly string[],
  options: RequestOptions,
): Promise<BulkRequest> {
  const { q, idsFile, scope, reason } = options;
  const data = await readData(io, '--data', options.data);
  const ids = idsFile === undefined ? given : [...given, ...(await readIds(io, idsFile))];
  if (q && (ids.length > 0 || idsFile !== undefined)) {
    throw new InvalidData('--q', [{ path: '--q', message: 'give ids or a filter, one of them' }]);
  }
  return {
    op,
    ...(q ? { q: readFilter(q) } : { ids }),
    ...(data !== undefined && { data }),
    ...(scope !== undefined && { scope }),
    ...(reason !== undefined && { reason }),
  };
}

/** `key=value` of each; a text without a key is searched for as it is. */
function readFilter(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf('=');
      return at < 0 ? ['q', text] : [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

async function readIds({ stdin }: Io, file: string): Promise<string[]> {
  let text = '';
  if (file === '-') {
    stdin?.setEncoding('utf8');
    for await (const part of stdin ?? []) text += part.toString();
  } else {
    const { readFile } = await import('node:fs/promises');
    text = await readFile(file, 'utf8');
  }
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}
