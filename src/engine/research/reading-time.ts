import type { Clock } from "../../runtime/clock.ts";

/** The time that one run has for searching and reading. */
export interface ReadingTime {
  /** Whether to leave out the next piece of work; asked only where there is one. */
  isOver(): boolean;
  /** Whether anything was left out. */
  readonly wasTooShort: boolean;
}

/** Starts the clock. */
export function startReadingTime(seconds: number, clock: Clock): ReadingTime {
  const endMs = clock.elapsedMs() + seconds * 1_000;
  let wasTooShort = false;
  return {
    isOver() {
      const isOver = clock.elapsedMs() >= endMs;
      wasTooShort ||= isOver;
      return isOver;
    },
    get wasTooShort() {
      return wasTooShort;
    },
  };
}

/** The wait for others: over after some seconds, or as the run is told to stop. */
export interface WaitingTime {
  readonly seconds: number;
  readonly signal: AbortSignal;
  /** Whether the seconds have passed, as opposed to the end of the run. */
  isOver(): boolean;
  /** Stops the clock. */
  end(): void;
}

export function startWaitingTime(
  seconds: number,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): WaitingTime {
  const ended = new AbortController();
  const over = new AbortController();
  clock.sleep(seconds * 1_000, AbortSignal.any([signal, ended.signal])).then(
    () => over.abort(),
    // Whoever aborted it knows.
    () => undefined,
  );
  return {
    seconds,
    signal: AbortSignal.any([signal, over.signal]),
    isOver: () => over.signal.aborted,
    end: () => ended.abort(),
  };
}
