/** Keeps the beginning and the end of an output; what is between, above the limit, is only counted. */
export interface Capture {
  readonly add: (bytes: Uint8Array) => void;
  /** As UTF-8; where something is missing, a line says how much. */
  text(): string;
}

/** `limit` is in bytes. */
export function createCapture(limit: number): Capture {
  const ofHead = Math.floor(limit / 2);
  const ofTail = limit - ofHead;
  const head = Buffer.alloc(0);
  const kept = { head: [head], tail: [head], headBytes: 0, tailBytes: 0, missing: 0 };
  return {
    add(bytes) {
      const first = bytes.subarray(0, ofHead - kept.headBytes);
      if (first.length > 0) kept.head.push(Buffer.from(first));
      kept.headBytes += first.length;
      const rest = bytes.subarray(first.length);
      if (rest.length === 0) return;
      kept.tail.push(Buffer.from(rest));
      kept.tailBytes += rest.length;
      // Cut down now and then, not with every piece.
      if (kept.tailBytes > ofTail * 2 + slack) cutTail();
    },
    text() {
      cutTail();
      const tail = Buffer.concat(kept.tail);
      if (kept.missing === 0) return Buffer.concat([...kept.head, tail]).toString();
      return `${endWhole(Buffer.concat(kept.head))}\n[${kept.missing} bytes are missing here]\n${beginWhole(tail)}`;
    },
  };

  function cutTail(): void {
    if (kept.tailBytes <= ofTail) return;
    const tail = Buffer.concat(kept.tail).subarray(kept.tailBytes - ofTail);
    kept.missing += kept.tailBytes - ofTail;
    // A copy: the rest is not to be held.
    kept.tail = [Buffer.from(tail)];
    kept.tailBytes = ofTail;
  }
}

const slack = 65_536;

/** The beginning and the end of a text, with a line that says how many bytes are missing. */
export function shorten(text: string, limit: number): string {
  const capture = createCapture(limit);
  capture.add(Buffer.from(text));
  return capture.text();
}

/** Without the part of a character at its end. */
const endWhole = (bytes: Buffer): string => bytes.toString().replace(/\uFFFD$/, '');

/** Without the part of a character at its beginning. */
const beginWhole = (bytes: Buffer): string => bytes.toString().replace(/^\uFFFD{1,3}/, '');
