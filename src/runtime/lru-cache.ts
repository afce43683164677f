/** A map of bounded size: what was used least recently makes room. */
export class LruCache<Key, Value> {
  readonly #maxSize: number;
  // A map is in the order of insertion; each use inserts again, so the first entry is the oldest.
  readonly #entries = new Map<Key, Value>();

  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  /** The value of the key, which is then the newest. */
  get(key: Key): Value | undefined {
    const value = this.#entries.get(key);
    if (value !== undefined) this.set(key, value);
    return value;
  }

  /** The value of the key, made now unless it is held. */
  getOrCreate(key: Key, create: () => Value): Value {
    const value = this.get(key) ?? create();
    this.set(key, value);
    return value;
  }

  /** Returns what made room, if anything did. */
  set(key: Key, value: Value): { key: Key; value: Value } | undefined {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#maxSize) return undefined;
    for (const [oldestKey, oldest] of this.#entries) {
      this.#entries.delete(oldestKey);
      return { key: oldestKey, value: oldest };
    }
    return undefined;
  }

  has(key: Key): boolean {
    return this.#entries.has(key);
  }

  delete(key: Key): void {
    this.#entries.delete(key);
  }

  values(): Iterable<Value> {
    return this.#entries.values();
  }
}
