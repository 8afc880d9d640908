import type { AnyStateNode } from 'xstate';
import { arrowsOf, transitionsOf, type Arrow } from './arrows.ts';
import { stateId, stateNodes } from './checkMachine.ts';
import type { MachineDefinition } from './define.ts';
import { diagramIds, diagramText, type DiagramIds } from './diagramText.ts';
import { actionTexts } from './labels.ts';

/**
 * The machine as Mermaid text (`stateDiagram-v2`): nested and parallel states, guards in `[…]`, effects
 * after `/`, delays in words. All that leads from one state to another stands on one arrow; what leads
 * there from every state stands once, on an arrow from `any state`. The same definition always gives
 * the same text.
 */
export function mermaid({ machine }: MachineDefinition): string {
  const root = machine.root as AnyStateNode;
  const nodes = stateNodes(machine);
  const diagram = { ids: diagramIds(nodes), arrows: arrowsOf(root) };
  const body =
    root.type === 'parallel'
      ? [`[*] --> ${diagram.ids.of(root)}`, ...declared(root, diagram)]
      : inside(root, diagram);
  const lines = ['stateDiagram-v2', ...body.map(indent), ...crossing(root, diagram).map(indent)];
  return `${lines.join('\n')}\n`;
}

/**
 * The machine as a Markdown table, one row a state: what each event leads to, with guards in `[…]` and
 * effects after `/`; an event without a target stays, one that the state forbids is refused.
 */
export function transitionTable({ machine }: MachineDefinition): string {
  const rows = stateNodes(machine).flatMap((node) => {
    const entries = [...entryTexts(node), ...tableEntries(node)].map(cell);
    const isPlace = node.type === 'atomic' || node.type === 'final';
    if (entries.length === 0 && !isPlace) return [];
    const name = cell(node.parent ? stateId(node) : 'any state');
    return [`| ${name}${roles(node)} | ${entries.join('<br>') || '–'} |`];
  });
  return ['| From | Event → to |', '| --- | --- |', ...rows].join('\n') + '\n';
}

interface Diagram {
  readonly ids: DiagramIds;
  readonly arrows: readonly Arrow[];
}

/** What stands inside a state: its start, its states, the arrows between them. */
function inside(node: AnyStateNode, diagram: Diagram): string[] {
  const children = Object.values(node.states as Record<string, AnyStateNode>);
  if (node.type === 'parallel') {
    return children.flatMap((child, index) => [
      ...(index > 0 ? ['--'] : []),
      ...declared(child, diagram),
    ]);
  }
  const { ids, arrows } = diagram;
  return [
    ...startLine(node, ids),
    ...children.flatMap((child) => declared(child, diagram)),
    ...arrows.filter((arrow) => isInside(arrow, node)).map((arrow) => arrowLine(arrow, ids)),
    ...children.filter(({ type }) => type === 'final').map((end) => `${ids.of(end)} --> [*]`),
  ];
}

function startLine(node: AnyStateNode, ids: DiagramIds): string[] {
  const [first] = node.config.initial === undefined ? [] : node.initial.target;
  if (!first) return [];
  const effects = node.initial.actions.flatMap((action) => actionTexts(node, action));
  const label = effects.length > 0 ? ` : ${diagramText(`/ ${effects.join(', ')}`)}` : '';
  return [`[*] --> ${ids.of(first)}${label}`];
}

/** Only an arrow between two states of one region stands there; Mermaid would move the ends of others. */
const isInside = ({ source, target }: Arrow, parent: AnyStateNode): boolean =>
  parent.type === 'compound' && source.parent === parent && target.parent === parent;

function declared(node: AnyStateNode, diagram: Diagram): string[] {
  const id = diagram.ids.of(node);
  const actions = entryTexts(node);
  if (node.type === 'history') return [`state "${node.history === 'deep' ? 'H*' : 'H'}" as ${id}`];
  if (node.type === 'compound' || node.type === 'parallel') {
    const name = actions.length > 0 ? `${node.key} (${actions.join('; ')})` : node.key;
    const open = name === id ? `state ${id} {` : `state "${diagramText(name)}" as ${id} {`;
    return [open, ...inside(node, diagram).map(indent), '}'];
  }
  // Where an arrow names a state first, there Mermaid puts it; in a region none may come before.
  const named =
    node.parent?.type === 'compound' &&
    diagram.arrows.some(({ source, target }) => source === node || target === node);
  if (id === node.key && actions.length === 0) return named ? [] : [id];
  const described = actions.map((text) => `${id} : ${diagramText(text)}`);
  return [`state "${diagramText(node.key)}" as ${id}`, ...described];
}

/** The arrows that stand inside no state, and what holds in any state. */
function crossing(root: AnyStateNode, { ids, arrows }: Diagram): string[] {
  const outside = arrows.filter(
    (arrow) => !arrow.source.parent || !isInside(arrow, arrow.source.parent),
  );
  const own = outside.filter(({ source, target }) => source === root || target === root);
  const others = outside.filter((arrow) => !own.includes(arrow));
  const any =
    own.length > 0 && root.type !== 'parallel' ? [`state "any state" as ${ids.of(root)}`] : [];
  return [...any, ...[...others, ...own].map((arrow) => arrowLine(arrow, ids))];
}

function arrowLine({ source, target, plain, detailed }: Arrow, ids: DiagramIds): string {
  const labels = [...(plain.length > 0 ? [plain.join(', ')] : []), ...detailed];
  return `${ids.of(source)} --> ${ids.of(target)} : ${labels.map(diagramText).join('<br/>')}`;
}

/** What happens whenever the state is entered or left. */
function entryTexts(node: AnyStateNode): string[] {
  const on = (when: string, actions: readonly unknown[]): string[] => {
    const texts = actions.flatMap((action) => actionTexts(node, action));
    return texts.length > 0 ? [`${when} / ${texts.join(', ')}`] : [];
  };
  return [...on('entry', node.entry), ...on('exit', node.exit)];
}

/** Simple transitions on one line, any other on its own. */
function tableEntries(node: AnyStateNode): string[] {
  const simple: string[] = [];
  const detailed: string[] = [];
  for (const { event, guard, effects, targets, forbidden } of transitionsOf(node)) {
    const to = targets?.map(stateId).join(' and ') ?? (forbidden ? 'refused' : 'stays');
    const list = guard === '' && effects === '' ? simple : detailed;
    list.push(`${event}${guard} → ${to}${effects}`);
  }
  return [...(simple.length > 0 ? [simple.join(', ')] : []), ...detailed];
}

function roles(node: AnyStateNode): string {
  const { parent, type } = node;
  const initial = parent?.config.initial !== undefined && parent.initial.target[0] === node;
  const names = [
    ...(initial ? ['initial'] : []),
    ...(type === 'final' || type === 'parallel' ? [type] : []),
  ];
  return names.length > 0 ? ` (${names.join(', ')})` : '';
}

const indent = (line: string): string => `  ${line}`;

const cell = (text: string): string => text.replaceAll(/[\\|<`*]/g, '\\$&').replaceAll('\n', ' ');
