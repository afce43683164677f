/** Keeps the values that were used last. */
export interface LruCache<Value> {
  /** The value of the key, made now unless it is kept. */
  get(key: string, make: () => Value): Value;
  /** All that are kept. */
  values(): Iterable<Value>;
}

/** What falls out of the last `size` is made again when it is asked for. */
export function createLruCache<Value>(size: number): LruCache<Value> {
  const kept = new Map<string, Value>();
  return {
    values: () => kept.values(),
    get(key, make) {
      const value = kept.get(key) ?? make();
      // The order of a map is that of insertion: this one is now the newest.
      kept.delete(key);
      kept.set(key, value);
      const [oldest] = kept.keys();
      if (kept.size > size && oldest !== undefined) kept.delete(oldest);
      return value;
    },
  };
}
