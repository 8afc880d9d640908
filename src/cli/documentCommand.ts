import type { Command } from 'commander';
import type { LinkedDocument } from '../client/wire.ts';
import type { CommandContext, Io } from './io.ts';
import { openClient, withService, type ServiceOptions } from './service.ts';

/** `document <verb>`: the linked documents. */
export function addDocument(program: Command, { io }: CommandContext): void {
  const document = program.command('document').description('Store linked documents, show them.');
  withService(document.command('put <collection> <id>'))
    .description('store a document as a whole')
    .requiredOption('--data <json>', 'its fields: JSON, @<file>, or - for stdin')
    .action(
      async (
        collection: string,
        id: string,
        options: ServiceOptions & { readonly data: string },
      ) => {
        const { readData } = await import('./readData.ts');
        const data = (await readData(io, '--data', options.data)) ?? {};
        const client = await openClient(io, options);
        const stored = await client.putDocument(collection, id, data, { signal: io.signal });
        await printDocument(io, options, stored);
      },
    );
  withService(document.command('show <collection> <id>'))
    .description('show a document')
    .action(async (collection: string, id: string, options: ServiceOptions) => {
      const client = await openClient(io, options);
      await printDocument(
        io,
        options,
        await client.document(collection, id, { signal: io.signal }),
      );
    });
}

async function printDocument(
  io: Io,
  options: ServiceOptions,
  document: LinkedDocument,
): Promise<void> {
  const { print } = await import('./print.ts');
  const { showJson } = await import('./showText.ts');
  print(io, options, document, (view) =>
    view.pairs(
      Object.entries(document).map(([field, value]) => [
        field,
        typeof value === 'string' ? value : showJson(value),
      ]),
    ),
  );
}
