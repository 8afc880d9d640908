import * as machines from '../machines/index.ts';
import type { MachineDefinition } from '../src/machine/define.ts';
import { mermaid, transitionTable } from '../src/machine/diagram.ts';
import { metricDefinitions } from '../src/telemetry/metricDefinitions.ts';
import { cliReference } from './cliReference.ts';
import { httpReference } from './httpReference.ts';

/** Every document that is made from the code: its path from the root, and its whole text. */
export function generatedDocs(): Record<string, string> {
  return {
    'machines/README.md': machinesReadme(),
    'docs/metrics.md': metricsPage(),
    'docs/cli.md': cliReference(),
    'docs/httpApi.md': httpReference(),
  };
}

function machinesReadme(): string {
  const definitions: readonly MachineDefinition[] = Object.values(machines);
  const intro = `<!-- Made from the machines in this directory; see docs/generated.ts. -->

# Machines

In a diagram, an event's guard stands in \`[…]\` and its effects after \`/\`. In a table, an event that
"stays" is recorded and may have effects, but moves nothing.
`;
  return [intro, ...definitions.map(section)].join('\n');
}

function section(definition: MachineDefinition): string {
  const { name, version, description } = definition;
  return `## ${name}

${description === undefined ? '' : `${description} `}Version ${version}.

\`\`\`mermaid
${mermaid(definition)}\`\`\`

${transitionTable(definition)}`;
}

function metricsPage(): string {
  const rows = Object.values(metricDefinitions).map(({ name, type, help, labels }) => [
    `\`${name}\``,
    type,
    labels.map((label) => `\`${label}\``).join(', '),
    help,
  ]);
  return `<!-- Made from src/telemetry/metricDefinitions.ts; see docs/generated.ts. -->

# Metrics

The service gives these at \`/metrics\`, in the text format of Prometheus. Each process counts for itself,
from its start; \`jobwright_outbox_effects\` alone is read from the database, at most once a second, and is
left out while the database does not answer.

${table(['metric', 'type', 'labels', 'what it tells'], rows)}

A label never holds an id, a URL or anything that a caller made up. \`machine\`, \`event\` and \`effect\` are
names that are registered, or \`unknown\`; \`route\` is the pattern of a route, or \`unmatched\`; \`status\`
is a class such as \`2xx\`; \`result\` and \`code\` are \`accepted\`, \`done\`, \`failed\`, \`parked\` or the
code of an error, see [errors](errors.md). Beside the events of its machine a job knows \`create\`, \`timer\`,
\`revoke\`, \`unlink\`, \`cancel\` and \`delete\`.

Beside these stand the metrics of the Node.js process under their usual names, \`process_…\` and \`nodejs_…\`:
CPU time, memory, open files, the delay of the event loop, garbage collection.
`;
}

/** With columns of one width, as the formatter wants it. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, column) =>
    Math.max(...[head, ...rows].map((cells) => cells[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[], fill = ' '): string =>
    `| ${widths.map((width, column) => (cells[column] ?? '').padEnd(width, fill)).join(' | ')} |`;
  return [line(head), line([], '-'), ...rows.map((cells) => line(cells))].join('\n');
}
