import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzip, gunzipSync, gzip, gzipSync } from 'node:zlib';
import { z } from 'zod';
import { InvalidData, OutputNotFound, OutputTooLarge } from '../errors.ts';
import type { Engine } from '../jobs/engine.ts';
import { highestLimits } from '../limits.ts';
import { canonicalJson, type JsonLimits } from '../machine/canonicalJson.ts';

/** What an attempt may leave: a result as JSON, and what its program wrote. */
export const outputNames = ['result', 'stdout', 'stderr'] as const;
export type OutputName = (typeof outputNames)[number];

/** What an attempt left, as it is given. */
export interface GivenOutputs {
  /** Any JSON. */
  readonly result?: unknown;
  readonly stdout?: string | undefined;
  readonly stderr?: string | undefined;
  /** Some of them as their worker has compressed them. */
  readonly zipped?: ZippedOutputs | undefined;
}

const zippedOutput = z.strictObject({
  /** How many there are unpacked. */
  bytes: z.int().min(0),
  /** Base64 of what gzip made of it: text in UTF-8, JSON for a result. */
  data: z.base64(),
});
/** Outputs compressed by who made them, so that the service need not. */
export const zippedOutputs = z.partialRecord(z.enum(outputNames), zippedOutput);
export type ZippedOutputs = Readonly<z.output<typeof zippedOutputs>>;

/** Compressed bytes that an entry takes for one output at most, and their characters in base64. */
const entryBytes = 48 * 1024;
const entryCharacters = (entryBytes / 3) * 4;

const packedOutput = z.object({
  /** How many there are of it in UTF-8, unpacked. */
  bytes: z.int().min(0).max(highestLimits.output),
  encoding: z.enum(['plain', 'gzip']),
  /** A small one, as it is. */
  text: z.string().max(entryCharacters).optional(),
  /** Base64. */
  data: z.string().max(entryCharacters).optional(),
  /** The id of one that is stored beside the log. */
  file: z.string().optional(),
  /** Of the bytes as they were given, in hex; of one beside the log only, as the entry's hash covers others. */
  sha256: z.string().optional(),
});
/** An output as an entry has it. */
export type PackedOutput = Readonly<z.output<typeof packedOutput>>;

const outputs = z.object({
  result: packedOutput.optional().catch(undefined),
  stdout: packedOutput.optional().catch(undefined),
  stderr: packedOutput.optional().catch(undefined),
});
/** The outputs of one attempt, as its entry has them: its data's `outputs`. */
export type Outputs = Partial<Readonly<Record<OutputName, PackedOutput>>>;

/** What is smaller is not worth a compression. */
const plainBytes = 512;
/** Compressing costs less here than handing it to another thread; measured. */
const atOnceBytes = 64 * 1024;
/** 5 % more than level 6 leaves, in half the time; measured with logs and numbers. */
const gzipOptions = { level: 4 };

/**
 * Packs what an attempt left, for the `outputs` of its entry: small outputs as they are, others compressed,
 * large ones stored beside the log before this resolves, so that the entry that names them is always true.
 * All that stays in the entry is well below the limit of an entry's data. Undefined where nothing is given.
 * Rejects with OutputTooLarge for one above `limits.output`, and with InvalidData for what is no JSON or
 * no text; then nothing is stored. −0 in a result becomes 0, and a lone surrogate U+FFFD. What a worker has
 * compressed into the entry is not unpacked here: it vouches for the content, as it does for its truth; a
 * size that is not what the content says is refused.
 */
export async function packOutputs(
  engine: Engine,
  jobId: string,
  given: GivenOutputs,
): Promise<Outputs | undefined> {
  const texts = outputNames.flatMap((name) => {
    const text = textOf(name, given[name], engine.limits.output);
    return text === undefined ? [] : [[name, text] as const];
  });
  const zipped = Object.entries(given.zipped ?? {}) as [OutputName, ZippedOutput][];
  const contents = zipped.map(([name, each]) => [name, contentOf(name, each, engine)] as const);
  if (texts.length + contents.length === 0) return undefined;
  const packed = await Promise.all([
    ...texts.map(async ([name, text]) => [name, await pack(engine, jobId, text)] as const),
    ...contents.map(async ([name, each]) => [name, await keep(engine, jobId, each)] as const),
  ]);
  return Object.fromEntries(packed);
}

/**
 * What a worker does to an output before it reports it; undefined where it is better left as it is: small,
 * or a result that is no JSON, so that the service can say what is wrong with it.
 */
export async function zipOutput(
  name: OutputName,
  value: unknown,
): Promise<ZippedOutput | undefined> {
  const json = name === 'result' ? canonicalJson(value, resultLimits) : undefined;
  const text = json?.ok ? json.text : value;
  if (typeof text !== 'string' || text.length < plainBytes || json?.ok === false) return undefined;
  const plain = Buffer.from(text);
  const zipped = await promisify(gzip)(plain, gzipOptions);
  return { bytes: plain.length, data: zipped.toString('base64') };
}

/** The outputs that an entry's data names; nothing of what is none. */
export function outputsOf(data: unknown): Outputs {
  const { outputs: named } = (data ?? {}) as { readonly outputs?: unknown };
  const result = outputs.safeParse(named);
  if (!result.success) return {};
  return Object.fromEntries(Object.entries(result.data).filter(([, each]) => each !== undefined));
}

/**
 * An output's text in UTF-8. Rejects with OutputNotFound where it is no longer there or is not what was
 * packed; never makes more of it than it is said to be.
 */
export async function unpackOutput(
  { store }: Engine,
  jobId: string,
  packed: PackedOutput,
): Promise<Buffer> {
  const { bytes, encoding, text, data, file, sha256 } = packed;
  const stored = file === undefined ? undefined : await store.readOutput(jobId, file);
  if (stored === null) throw new OutputNotFound(jobId, 'it is no longer stored');
  const content = stored ?? Buffer.from(text ?? data ?? '', text === undefined ? 'base64' : 'utf8');
  const unpacked = encoding === 'plain' ? Buffer.from(content) : await unzip(jobId, content, bytes);
  const isWhole = unpacked.length === bytes && (!sha256 || sha256 === digest(unpacked));
  if (!isWhole) throw new OutputNotFound(jobId, 'what is stored is not what was reported');
  return unpacked;
}

/** Numbers of a result may be many; it is no part of what a machine decides by. */
const resultLimits: JsonLimits = {
  depth: 200,
  keys: 10_000_000,
  bytes: Infinity,
  unsignedZero: true,
};

function textOf(name: OutputName, value: unknown, limit: number): string | undefined {
  if (value === undefined) return undefined;
  const text = name === 'result' ? jsonText(value) : plainText(name, value);
  // A unit of UTF-16 has three bytes at most.
  const bytes = text.length * 3 > limit ? Buffer.byteLength(text) : 0;
  if (bytes > limit) throw new OutputTooLarge(name, bytes, limit);
  return text;
}

function jsonText(result: unknown): string {
  const json = canonicalJson(result, resultLimits, 'result');
  if (!json.ok) throw new InvalidData('result', json.issues);
  return json.text;
}

function plainText(name: OutputName, value: unknown): string {
  if (typeof value === 'string') return value.toWellFormed();
  throw new InvalidData(name, [{ path: name, message: `${typeof value} is no text` }]);
}

type ZippedOutput = z.output<typeof zippedOutput>;
interface Content extends ZippedOutput {
  readonly zipped: Buffer;
}

/** The bytes of what a worker has compressed, if they can be what it says. */
function contentOf(name: OutputName, { bytes, data }: ZippedOutput, { limits }: Engine): Content {
  if (bytes > limits.output) throw new OutputTooLarge(name, bytes, limits.output);
  const zipped = Buffer.from(data, 'base64');
  // Its first bytes are those of gzip, its last ones the size of what it holds.
  const isGzip = zipped.length > 18 && zipped.readUInt16BE(0) === 0x1f8b;
  if (isGzip && zipped.readUInt32LE(zipped.length - 4) === bytes) return { bytes, data, zipped };
  const message = 'is not what gzip makes of so many bytes';
  throw new InvalidData(name, [{ path: `zipped.${name}`, message }]);
}

/** Keeps what a worker has compressed in the entry, or beside the log where it is large. */
async function keep(engine: Engine, jobId: string, content: Content): Promise<PackedOutput> {
  const { bytes, data, zipped } = content;
  if (zipped.length <= entryShare(engine)) return { bytes, encoding: 'gzip', data };
  const plain = await unzip(jobId, zipped, bytes).catch(() => {
    throw new InvalidData('zipped', [{ path: 'zipped', message: 'cannot be unpacked' }]);
  });
  const file = await engine.store.putOutput(jobId, zipped, new Date(engine.now()));
  return { bytes, encoding: 'gzip', file, sha256: digest(plain) };
}

/** Bytes that one output may take in an entry. */
const entryShare = ({ limits }: Engine): number =>
  Math.min(entryBytes, Math.floor((limits.body * 3) / 16));

async function pack(engine: Engine, jobId: string, text: string): Promise<PackedOutput> {
  const plain = Buffer.from(text);
  const { length: bytes } = plain;
  if (bytes < plainBytes) return { bytes, encoding: 'plain', text };
  const zipped = await (bytes <= atOnceBytes
    ? gzipSync(plain, gzipOptions)
    : promisify(gzip)(plain, gzipOptions));
  if (zipped.length > entryShare(engine)) return putAside(engine, jobId, plain, zipped);
  const data = zipped.toString('base64');
  // Text that can hardly be compressed is smaller without the third that base64 adds.
  const isWorthIt = data.length < bytes || data.length < Buffer.byteLength(JSON.stringify(text));
  return isWorthIt ? { bytes, encoding: 'gzip', data } : { bytes, encoding: 'plain', text };
}

async function putAside(
  { store, now }: Engine,
  jobId: string,
  plain: Buffer,
  zipped: Buffer,
): Promise<PackedOutput> {
  const isWorthIt = zipped.length < plain.length;
  const content = isWorthIt ? zipped : plain;
  const file = await store.putOutput(jobId, content, new Date(now()));
  const encoding = isWorthIt ? 'gzip' : 'plain';
  return { bytes: plain.length, encoding, file, sha256: digest(plain) };
}

async function unzip(jobId: string, content: Uint8Array, bytes: number): Promise<Buffer> {
  // A guard against what would unfold without end; 0 is no size that it may have.
  const options = { maxOutputLength: Math.max(bytes, 1) };
  try {
    if (bytes <= atOnceBytes) return gunzipSync(content, options);
    return await promisify(gunzip)(content, options);
  } catch (error) {
    throw new OutputNotFound(jobId, 'it cannot be unpacked', { cause: error });
  }
}

const digest = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex');
