import type { AnyStateNode } from 'xstate';

/** The names that states have in a Mermaid diagram. */
export interface DiagramIds {
  of(node: AnyStateNode): string;
}

/** One id a state, all different: its path, without what Mermaid cannot read or reads as a keyword. */
export function diagramIds(nodes: readonly AnyStateNode[]): DiagramIds {
  const taken = new Set(reserved);
  const ids = new Map<AnyStateNode, string>();
  for (const node of nodes) {
    const path = node.parent ? node.path : [node.type === 'parallel' ? node.key : 'any_state'];
    const wanted = path.map((key) => key.replaceAll(/\W/g, '_')).join('__');
    let id = wanted;
    for (let count = 2; taken.has(id.toLowerCase()); count += 1) id = `${wanted}_${count}`;
    ids.set(node, id);
    // Mermaid itself calls the start and the end inside a state by these names.
    for (const name of [id, `${id}_start`, `${id}_end`]) taken.add(name.toLowerCase());
  }
  return { of: (node) => ids.get(node) ?? '' };
}

const reserved =
  `accdescr acctitle class classdef click constructor default direction end hide href note
  prototype __proto__ root root_end root_start scale state statediagram style`.split(/\s+/);

/** A text where Mermaid takes some characters for its own: those are written as entities. */
export const diagramText = (text: string): string =>
  text
    .replaceAll(/[^\p{L}\p{N} _.,:()[\]/'=!+*?-]/gu, (character) => `#${character.codePointAt(0)};`)
    .replaceAll('::', ':#58;');
