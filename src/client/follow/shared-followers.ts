import { createLatestValue } from "./latest-value.ts";

/** A follower at work. */
export interface Following {
  /** Settles when it has ended; rejects with what its watchers are to be thrown. */
  ended: Promise<void>;
  /** Ends it: the last watcher has left. */
  stop(): void;
}

/**
 * One follower for each id, shared by all its watchers: `follow` begins with the first one, and is stopped when the
 * last one leaves. The watchers end when it does. Returns the way to watch.
 */
export function createSharedFollowers<Snapshot>(
  follow: (id: string, publish: (snapshot: Snapshot) => void) => Following,
): (id: string, options?: { signal?: AbortSignal }) => AsyncGenerator<Snapshot, void> {
  const followers = new Map<string, ReturnType<typeof start>>();

  function start(id: string) {
    const snapshots = createLatestValue<Snapshot>();
    const following = follow(id, snapshots.publish);
    const follower = { snapshots, watchers: 0, stop };
    followers.set(id, follower);
    following.ended
      .then(snapshots.end, snapshots.fail)
      // The next watcher starts a new follower instead of joining one that has ended.
      .finally(forget);

    function forget(): boolean {
      return followers.get(id) === follower && followers.delete(id);
    }
    function stop(): void {
      if (forget()) following.stop();
    }
    return follower;
  }

  return async function* watch(id, { signal } = {}) {
    signal?.throwIfAborted();
    const follower = followers.get(id) ?? start(id);
    follower.watchers += 1;
    try {
      // Not `yield*` of another generator: thousands may wait here, and each level takes 2 KB.
      let seen: { value: Snapshot } | null = null;
      for (;;) {
        seen = await follower.snapshots.after(seen, signal);
        if (seen === null) return;
        yield seen.value;
      }
    } finally {
      follower.watchers -= 1;
      if (follower.watchers === 0) follower.stop();
    }
  };
}
