/** A wait that others end: `wait` resolves once `notify` was called after the previous `wait` resolved. */
export interface Notifier {
  notify(): void;
  wait(): Promise<void>;
}

export function createNotifier(): Notifier {
  let isNotified = false;
  let resume: (() => void) | undefined;
  return {
    notify() {
      isNotified = true;
      resume?.();
    },
    async wait() {
      if (!isNotified) await new Promise<void>((resolve) => (resume = resolve));
      isNotified = false;
      resume = undefined;
    },
  };
}
