import { RequestError } from './requestError.ts';

const loopback = ['localhost', '127.0.0.1', '[::1]'];

/** Names under which a service answers: loopback, where it listens, and its public URL. */
export function allowedHosts(...names: readonly string[]): ReadonlySet<string> {
  // Listening on every address is no name.
  const own = names.filter((name) => name !== '' && name !== '0.0.0.0' && name !== '::');
  return new Set([...loopback, ...own.map((name) => (name.includes(':') ? bracket(name) : name))]);
}

const bracket = (address: string): string => (address.startsWith('[') ? address : `[${address}]`);

/** Throws MISDIRECTED_REQUEST for a host that is none of ours: another site's name that leads here. */
export function checkHost(url: URL, hosts: ReadonlySet<string>): void {
  if (hosts.has(url.hostname)) return;
  throw new RequestError(
    'MISDIRECTED_REQUEST',
    'This service does not answer under that host name; set JOBWRIGHT_PUBLIC_URL to the name that it has',
  );
}

/** Whether an address is one of this machine's own loopback. */
export const isLoopback = (address: string | undefined): boolean =>
  address !== undefined && /^(?:127\.|::1$|::ffff:127\.)/.test(address);
