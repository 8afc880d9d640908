/** jobwright/client: the service's API as typed calls, for Node and for browsers. */
export { JobError } from '../errors.ts';
export { ProblemError, ServiceUnreachable, type ProblemDocument } from './clientErrors.ts';
export type * from './bulk.ts';
export type * from './datasets.ts';
export { JobwrightClient } from './jobwrightClient.ts';
export type { StreamOptions } from './stream.ts';
export type { CallOptions, ClientOptions, SendCallOptions, WriteOptions } from './transport.ts';
export type * from './wire.ts';
