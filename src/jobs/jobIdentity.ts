import { hash } from 'node:crypto';

/** The namespace of all job ids; drawn once. */
const namespace = Buffer.from('5b1f7a0e3c9d4e6a8f21b7c06d9e4a53', 'hex').toString('latin1');

export interface Identity {
  readonly machine: string;
  readonly pipeline: string | null;
  /** Resolved and sorted. */
  readonly parents: readonly string[];
  /** Canonical JSON. */
  readonly data: string;
}

/**
 * The id of a job: the UUIDv5 (RFC 9562) of what it is. Session, agent, task and archive path are no
 * part of it, nor is the order of the data's keys. The parts stand in a JSON list, so no two
 * identities have the same text.
 */
export function jobIdentity({ machine, pipeline, parents, data }: Identity): string {
  const text = Buffer.from(JSON.stringify([machine, pipeline, parents, data]), 'utf8').toString(
    'latin1',
  );
  const bytes = Buffer.from(hash('sha1', Buffer.from(namespace + text, 'latin1'), 'hex'), 'hex');
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex', 0, 16);
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-');
}

/** A UUID of any version, in lower or upper case. */
export const isUuid = (text: string): boolean =>
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text);
