import * as machines from '../machines/index.ts';
import type { MachineDefinition } from '../src/machine/define.ts';
import { mermaid, transitionTable } from '../src/machine/diagram.ts';

/** Every document that is made from the code: its path from the root, and its whole text. */
export function generatedDocs(): Record<string, string> {
  return { 'machines/README.md': machinesReadme() };
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
