type Data = Readonly<Record<string, unknown>>;

/** Merges two mappings, deep: where both have a mapping under a key these are merged, else the right one wins. */
export function mergeData(left: Data, right: Data): Data {
  const keys = [...new Set([...Object.keys(left), ...Object.keys(right)])];
  // Own properties all along: a key named __proto__ stays a key, to be refused by the check of the data.
  return Object.fromEntries(
    keys.map((key) => [key, mergeValue(own(left, key), own(right, key), key, right)]),
  );
}

function mergeValue(left: unknown, right: unknown, key: string, from: Data): unknown {
  if (!Object.hasOwn(from, key)) return left;
  return isMapping(left) && isMapping(right) ? mergeData(left, right) : right;
}

const own = (data: Data, key: string): unknown =>
  Object.hasOwn(data, key) ? data[key] : undefined;

const isMapping = (value: unknown): value is Data =>
  typeof value === 'object' &&
  value !== null &&
  [Object.prototype, null].includes(Object.getPrototypeOf(value) as object | null);
