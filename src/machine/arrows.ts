import type { AnyStateNode } from 'xstate';
import { isForbidden, stateNodes } from './checkMachine.ts';
import { actionTexts, delayText, guardText } from './labels.ts';

/** One transition of a state in words. */
export interface TransitionText {
  readonly event: string;
  /** ` [guard]` or nothing. */
  readonly guard: string;
  /** ` / effect, effect` or nothing. */
  readonly effects: string;
  /** None where the state stays as it is. */
  readonly targets: readonly AnyStateNode[] | undefined;
  readonly forbidden: boolean;
}

/** A state's own transitions in the order of its definition, the delayed and the eventless ones last. */
export function transitionsOf(node: AnyStateNode): readonly TransitionText[] {
  const transitions = [...[...node.transitions.values()].flat(), ...(node.always ?? [])];
  return transitions.map((transition) => {
    const { guard, actions, target, reenter } = transition;
    const effects = (actions as readonly unknown[]).flatMap((each) => actionTexts(node, each));
    const again = reenter && target ? ' (entered anew)' : '';
    return {
      event: eventText(transition),
      guard: guard === undefined ? '' : ` [${guardText(guard)}]`,
      effects: `${effects.length > 0 ? ` / ${effects.join(', ')}` : ''}${again}`,
      targets: target as readonly AnyStateNode[] | undefined,
      forbidden: isForbidden(transition),
    };
  });
}

function eventText(transition: { readonly eventType: string; readonly delay?: unknown }): string {
  const { eventType, delay } = transition;
  if (delay !== undefined) return `after ${delayText(delay)}`;
  if (eventType.startsWith('xstate.done.state.')) return 'done';
  return eventType === '' ? 'always' : eventType;
}

/** All that leads from one state to another. The machine's root as source stands for any state. */
export interface Arrow {
  readonly source: AnyStateNode;
  readonly target: AnyStateNode;
  /** Names of events with neither guard nor effect. */
  readonly plain: readonly string[];
  /** Events with a guard or effects. */
  readonly detailed: readonly string[];
}

/** The arrows of a machine, in the order of its definition. */
export function arrowsOf(root: AnyStateNode): readonly Arrow[] {
  const bundles = new Map<string, [Stroke, ...Stroke[]]>();
  for (const stroke of fromAnyState(root, stateNodes(root.machine).flatMap(strokesFrom))) {
    const key = `${stroke.source.order} ${stroke.target.order}`;
    const bundle = bundles.get(key);
    if (bundle) bundle.push(stroke);
    else bundles.set(key, [stroke]);
  }
  return [...bundles.values()].map((bundle) => ({
    source: bundle[0].source,
    target: bundle[0].target,
    plain: bundle.filter(({ plain }) => plain).map(({ label }) => label),
    detailed: bundle.filter(({ plain }) => !plain).map(({ label }) => label),
  }));
}

/** One transition to one target. */
interface Stroke {
  readonly source: AnyStateNode;
  readonly target: AnyStateNode;
  readonly label: string;
  readonly plain: boolean;
}

function strokesFrom(source: AnyStateNode): Stroke[] {
  return transitionsOf(source).flatMap(({ event, guard, effects, targets, forbidden }) => {
    const label = `${event}${guard}${effects}`;
    const ends = forbidden ? [] : (targets ?? [source]);
    return ends.map((target) => ({ source, target, label, plain: label === event }));
  });
}

/** What leads to one state from each of three or more others is said once, of the root. */
function fromAnyState(root: AnyStateNode, strokes: readonly Stroke[]): readonly Stroke[] {
  const states = Object.values(root.states as Record<string, AnyStateNode>).filter(
    ({ type }) => type !== 'final' && type !== 'history',
  );
  if (root.type !== 'compound' || states.length < 3) return strokes;
  const shared = strokes.filter(({ source, target, label }) => {
    if (!states.includes(source)) return false;
    const same = strokes.filter((other) => other.target === target && other.label === label);
    return states.every((state) => same.some((other) => other.source === state));
  });
  const once = shared.filter(({ source }) => source === states[0]);
  return [
    ...strokes.filter((stroke) => !shared.includes(stroke)),
    ...once.map((stroke) => ({ ...stroke, source: root })),
  ];
}
