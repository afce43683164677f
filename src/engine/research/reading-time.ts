import type { Clock } from "../../runtime/clock.ts";

/** The time that one run has for searching and reading. */
export interface ReadingTime {
  /** Whether to skip the next piece of work; only called when there is one. */
  isOver(): boolean;
  /** Whether anything was left out. */
  readonly wasTooShort: boolean;
}

/** Starts measuring. */
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
