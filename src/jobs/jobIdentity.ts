import { hash } from 'node:crypto';

/** The namespace of all job ids; drawn once. */
const namespace = Buffer.from('5b1f7a0e3c9d4e6a8f21b7c06d9e4a53', 'hex');

export interface Identity {
  readonly machine: string;
  readonly pipeline: string | null;
  /** Resolved and sorted. */
  readonly parents: readonly string[];
  /** Canonical JSON of what of the data is not incidental. */
  readonly data: string;
  /** Tells it apart from others alike. */
  readonly instance?: string | undefined;
}

/**
 * The id of a job: the UUIDv5 (RFC 9562) of what it is. Session, agent, task and archive path are no
 * part of it, nor is the order of the data's keys. The parts stand in a JSON list, so no two
 * identities have the same text.
 */
export function jobIdentity({ machine, pipeline, parents, data, instance }: Identity): string {
  const parts = [machine, pipeline, parents, data];
  const text = JSON.stringify(instance === undefined ? parts : [...parts, instance]);
  const bytes = Buffer.allocUnsafe(namespace.length + Buffer.byteLength(text));
  namespace.copy(bytes);
  bytes.write(text, namespace.length);
  const hex = hash('sha1', bytes);
  const variant = '89ab'.charAt(Number.parseInt(hex.charAt(16), 16) & 3);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** A UUID of any version, in lower or upper case. */
export const isUuid = (text: string): boolean =>
  /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i.test(text);
