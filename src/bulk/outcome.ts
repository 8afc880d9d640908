/** What became of a target, without saying which. */
export interface OutcomeKind {
  readonly outcome: 'updated' | 'unchanged' | 'refused';
  /** Why, where it was not updated. */
  readonly code?: string | undefined;
  /** The dotted state that it is in now, or was found in. */
  readonly state?: string | undefined;
}

/** What became of one target of a request: its place there and its id. */
export interface BulkOutcome extends OutcomeKind {
  readonly index: number;
  readonly id: string;
}

export interface BulkCounts {
  readonly requested: number;
  readonly updated: number;
  readonly unchanged: number;
  readonly refused: number;
  /** Code → how many targets have it. */
  readonly byCode: Readonly<Record<string, number>>;
  /** Jobs that were not in the request, but tied to those that were. */
  readonly relatives: RelativeCounts;
}

export interface RelativeCounts {
  readonly updated: number;
  /** Their state did not admit it. */
  readonly unchanged: number;
  readonly refused: number;
  /** Children left as they are, as others have them too. */
  readonly sharedLeft: number;
}

export const noCounts: BulkCounts = {
  ...{ requested: 0, updated: 0, unchanged: 0, refused: 0, byCode: {} },
  relatives: { updated: 0, unchanged: 0, refused: 0, sharedLeft: 0 },
};

/** The outcomes of a chunk in little room: each kind once, and which is how often in a row. */
export interface PackedOutcomes {
  readonly kinds: readonly OutcomeKind[];
  readonly runs: readonly number[];
}

export function packOutcomes(outcomes: readonly OutcomeKind[]): PackedOutcomes {
  const places = new Map<string, number>();
  const kinds: OutcomeKind[] = [];
  const runs: number[] = [];
  for (const { outcome, code, state } of outcomes) {
    const name = JSON.stringify([outcome, code, state]);
    const place = places.get(name) ?? kinds.length;
    if (place === kinds.length) {
      places.set(name, place);
      kinds.push({
        outcome,
        ...(code !== undefined && { code }),
        ...(state !== undefined && { state }),
      });
    }
    const last = runs.length - 2;
    if (runs[last] === place) runs[last + 1] = (runs[last + 1] ?? 0) + 1;
    else runs.push(place, 1);
  }
  return { kinds, runs };
}

export function unpackOutcomes({ kinds, runs }: PackedOutcomes): OutcomeKind[] {
  const outcomes: OutcomeKind[] = [];
  for (let at = 0; at < runs.length; at += 2) {
    const kind = kinds[runs[at] ?? 0];
    for (let left = runs[at + 1] ?? 0; kind && left > 0; left -= 1) outcomes.push(kind);
  }
  return outcomes;
}

/** How many are of each outcome, and of each code. */
export function tally(outcomes: readonly OutcomeKind[]) {
  const counts = { updated: 0, unchanged: 0, refused: 0 };
  const byCode: Record<string, number> = {};
  for (const { outcome, code } of outcomes) {
    counts[outcome] += 1;
    if (code !== undefined) byCode[code] = (byCode[code] ?? 0) + 1;
  }
  return { counts, byCode };
}
