/** A sleep that others end: `wait` resolves once `wake` was called after the previous `wait` resolved. */
export interface Wakeup {
  wake(): void;
  wait(): Promise<void>;
}

export function createWakeup(): Wakeup {
  let woken = false;
  let resume: (() => void) | undefined;
  return {
    wake() {
      woken = true;
      resume?.();
    },
    async wait() {
      if (!woken) await new Promise<void>((resolve) => (resume = resolve));
      woken = false;
      resume = undefined;
    },
  };
}
