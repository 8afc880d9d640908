import { entryDataDigest } from '../../src/store/hashChain.ts';
import { isTombstone, type Commit, type StoredEntry } from '../../src/store/store.ts';
import type { SeededRandom } from './seededRandom.ts';

type Writable<T> = { -readonly [K in keyof T]: T[K] };
/** A commit of a log that somebody has write access to. */
export type OpenCommit = Writable<Omit<Commit, 'entries'>> & { entries: Writable<StoredEntry>[] };

/** Changes a log in place; false where this log offers nothing to change in this way. */
export type Tampering = (log: OpenCommit[], random: SeededRandom) => boolean;

/** Ways to change a log. Each gives another history, so each must show. */
export const tamperings: Readonly<Record<string, Tampering>> = {
  'edit data': onEntry(hasData, (entry) => (entry.data = '{"forged":true}')),
  'edit a letter of data': onEntry(
    ({ data }) => data !== null && /[a-z0-9]/.test(data),
    (entry, random) => (entry.data = otherLetter(entry.data ?? '', random)),
  ),
  'edit data and keep its digest beside it': onEntry(hasData, (entry) => {
    entry.dataDigest = entryDataDigest(entry);
    entry.data = '{"forged":true}';
  }),
  'edit the digest of removed data': onEntry(isRedacted, (entry) => {
    entry.dataDigest = 'a'.repeat(64);
  }),
  'put other data back': onEntry(isRedacted, (entry) => (entry.data = '{"invented":1}')),
  'put other data back without the digest': onEntry(isRedacted, (entry) => {
    entry.data = '{"invented":1}';
    delete entry.dataDigest;
  }),
  'add data to an entry without': onEntry(
    (entry) => entry.data === null && !isRedacted(entry),
    (entry) => (entry.data = '{}'),
  ),
  'remove data': onEntry(hasData, (entry) => (entry.data = null)),
  'remove data as a deletion would': onEntry(hasData, (entry) => {
    entry.dataDigest = entryDataDigest(entry);
    entry.data = null;
  }),
  'change where it leads': onEntry(always, (entry) => {
    entry.to = entry.to === 'VALIDATED' ? 'FINISHED' : 'VALIDATED';
  }),
  'change where it comes from': onEntry(always, (entry) => {
    entry.from = entry.from === 'VALIDATED' ? 'FINISHED' : 'VALIDATED';
  }),
  'rename it': onEntry(always, (entry) => {
    entry.name = entry.name === 'update' ? 'resource' : 'update';
  }),
  'change the kind of its actor': onEntry(always, (entry) => {
    entry.actor = { ...entry.actor, kind: entry.actor.kind === 'admin' ? 'operator' : 'admin' };
  }),
  'change its actor': onEntry(always, (entry) => {
    entry.actor = { ...entry.actor, id: `${entry.actor.id}2` };
  }),
  'change its hash': onEntry(always, (entry) => (entry.hash = 'b'.repeat(64))),
  'change its operation': onEntry(always, (entry) => {
    entry.operation = entry.operation === 'revoke' ? 'timer' : 'revoke';
  }),
  'take its key away': onEntry(hasKey, (entry) => delete entry.key && delete entry.keyCount),
  'change its key': onEntry(hasKey, (entry) => (entry.key = 'another')),
  'add a key': onEntry(
    (entry) => !hasKey(entry),
    (entry) => Object.assign(entry, { key: 'mine', keyCount: 1 }),
  ),
  'add an effect': onEntry(always, (entry) => {
    entry.effects = [...(entry.effects ?? []), { type: 'clearArchive', params: null }];
  }),
  'take its effects away': onEntry(
    ({ effects }) => effects !== undefined,
    (entry) => delete entry.effects,
  ),
  'write beside it': onEntry(always, (entry) => Object.assign(entry, { remark: 'approved' })),
  'change its time': onCommit((commit, random) => {
    commit.at = new Date(commit.at.getTime() + (random.below(2) === 0 ? -1 : 1) * 1_000);
  }),
  'change its machine': onCommit((commit) => (commit.type = 'other')),
  'change its machine version': onCommit((commit) => (commit.typeVersion = '2')),
  'renumber it': onCommit((commit, random) => (commit.seq += random.below(2) === 0 ? 1 : -1)),
  'write beside a commit': onCommit((commit) => Object.assign(commit, { approved: true })),
  'move the archive of a job': onSetup((setup) => ({ ...setup, archivePath: '/products/v2/x' })),
  'give a job other links': onSetup((setup) => ({ ...setup, links: { child_of: ['x'] } })),
  'take a set-up away, or add one': onCommit((commit) => {
    if (commit.setup) delete commit.setup;
    else commit.setup = { ...emptySetup };
  }),
  'drop a commit': (log, random) => {
    const places = [...log.keys()].filter((index) => isCovered(log, index));
    if (places.length === 0) return false;
    log.splice(random.pick(places), 1);
    return true;
  },
  'drop an entry of a chain': onCommitWhere(
    ({ entries }) => entries.length > 1,
    // Never the last one: its commit may be the end of a live job's log.
    ({ entries }, random) => entries.splice(random.below(entries.length - 1), 1),
  ),
  'turn a chain around': onCommitWhere(
    ({ entries }) => entries.length > 1,
    ({ entries }) => entries.reverse(),
  ),
  'swap the contents of two commits': (log, random) => {
    const first = random.below(log.length - 1);
    const [one, other] = [log[first], log[first + 1]];
    if (!one || !other) return false;
    [one.entries, other.entries] = [other.entries, one.entries];
    return true;
  },
  'insert an entry': onCommit((commit, random) => {
    const { entries } = commit;
    const at = random.below(entries.length);
    const copy = { ...entries[at], actor: { kind: 'system', id: 'x' } } as StoredEntry;
    entries.splice(at, 0, copy);
  }),
  'append a forged entry': onCommit(({ entries }) => {
    const last = entries.at(-1);
    if (last) entries.push({ ...last, name: 'update', from: last.to, hash: 'c'.repeat(64) });
  }),
  'move an entry to another job': (log, random) => {
    const from = random.pick(log.filter(({ entries }) => entries.length > 1));
    const to = random.pick(log.filter(({ job }) => job !== from.job));
    const [moved] = from.entries.splice(0, 1);
    if (moved) to.entries.push(moved);
    return moved !== undefined;
  },
  'say that a job was removed': onCommit(({ entries }) => {
    const last = entries.at(-1);
    if (last) Object.assign(last, { operation: 'remove', name: 'delete', to: null });
    if (last?.operation === 'remove') last.actor = { kind: 'admin', id: 'eve' };
  }),
  'forget who deleted a job': onTombstone((entry) => (entry.actor = { kind: 'operator', id: 'x' })),
  'forget why a job was deleted': onTombstone((entry) => {
    entry.dataDigest = entryDataDigest(entry);
    entry.data = null;
  }),
};

/** Dropping it leaves something behind that tells: a later commit, or removed data without a tombstone. */
const isCovered = (log: readonly OpenCommit[], index: number): boolean =>
  log[index + 1]?.job === log[index]?.job || isEndOfOnlyLife(log, index);

const isEndOfOnlyLife = (log: readonly OpenCommit[], index: number): boolean => {
  const commit = log[index];
  return commit !== undefined && commit.seq > 1 && isTombstone(commit);
};

const emptySetup = {
  pipeline: null,
  links: {},
  session: null,
  agent: null,
  task: null,
  archivePath: '',
  tags: [],
};

function always(): boolean {
  return true;
}

function hasData({ data }: StoredEntry): boolean {
  return data !== null;
}

function isRedacted({ data, dataDigest }: StoredEntry): boolean {
  return data === null && dataDigest !== undefined;
}

function hasKey({ key }: StoredEntry): boolean {
  return key !== undefined;
}

function onEntry(
  fits: (entry: StoredEntry) => boolean,
  change: (entry: Writable<StoredEntry>, random: SeededRandom) => unknown,
): Tampering {
  return (log, random) => {
    const entries = log.flatMap((commit) => commit.entries).filter(fits);
    if (entries.length === 0) return false;
    change(random.pick(entries), random);
    return true;
  };
}

function onCommitWhere(
  fits: (commit: OpenCommit) => boolean,
  change: (commit: OpenCommit, random: SeededRandom) => unknown,
): Tampering {
  return (log, random) => {
    const commits = log.filter(fits);
    if (commits.length === 0) return false;
    change(random.pick(commits), random);
    return true;
  };
}

function onCommit(change: (commit: OpenCommit, random: SeededRandom) => unknown): Tampering {
  return onCommitWhere(always, change);
}

function onSetup(change: (setup: typeof emptySetup) => object): Tampering {
  return onCommitWhere(
    ({ setup }) => setup !== undefined,
    (commit) => Object.assign(commit, { setup: change(commit.setup as never) }),
  );
}

function onTombstone(change: (entry: Writable<StoredEntry>) => unknown): Tampering {
  return (log) => {
    const commit = log.findLast(
      (each) => isTombstone(each) && each.entries.at(-1)?.name === 'delete',
    );
    const entry = commit?.entries.at(-1);
    if (!entry || log.some(({ job, seq }) => job === commit?.job && seq > commit.seq)) return false;
    change(entry);
    return true;
  };
}

function otherLetter(text: string, random: SeededRandom): string {
  const places = [...text].flatMap((letter, index) => (/[a-z0-9]/.test(letter) ? [index] : []));
  const place = random.pick(places);
  const letter =
    text[place] === 'e' ? 'a' : /\d/.test(text[place] ?? '') ? nextDigit(text[place]) : 'e';
  return text.slice(0, place) + letter + text.slice(place + 1);
}

const nextDigit = (digit: string | undefined): string => String((Number(digit) % 9) + 1);
