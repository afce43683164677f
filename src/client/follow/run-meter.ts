import type {
  ProgressEvent,
  ProgressMessageEvent,
  ProgressStatsEvent,
} from "../../task-api/run-event.ts";
import { LruCache } from "../../runtime/lru-cache.ts";
import { cutText } from "../../text/cut-text.ts";

export interface RunMessage {
  /** The part after `task_run.progress_msg.`, such as `plan` or `search`. */
  kind: string;
  message: string;
  timestamp: string | null;
}

/** The progress of a run according to its events. */
export interface RunProgress {
  /** A whole number from 0 to 100; never falls for one run, and is below 100 while the run is active. */
  percent: number;
  latestMessage: string | null;
  sourcesRead: number | null;
  sourcesConsidered: number | null;
  /** Oldest first, each once; of very many only the newest. */
  messages: RunMessage[];
}

/** Adds up the progress of one run over any number of streams and replays. */
export interface RunMeter {
  /** Takes an event in; true when it changed anything. */
  take(event: ProgressEvent): boolean;
  read(): RunProgress;
}

/** More than a person or an agent reads at once; the API itself stores the rest. */
const MESSAGES_KEPT = 100;
/** A step in words is a sentence; some servers put whole pages into one. */
const MESSAGE_MAX_CHARS = 1_000;
/** Replays are recognised by the messages seen before; older ones by their time. */
const SEEN_MAX = 1_000;
/** The last step to 100 belongs to a completed run alone. */
const ACTIVE_MAX_PERCENT = 99;

/** The progress of a run without events. */
export const NO_PROGRESS: RunProgress = {
  percent: 0,
  latestMessage: null,
  sourcesRead: null,
  sourcesConsidered: null,
  messages: [],
};

export function createRunMeter(): RunMeter {
  let progress = NO_PROGRESS;
  // Created with the first message, because most followed runs have none yet.
  let isReplay: ReturnType<typeof createReplayFilter> | undefined;

  function takeStats({ progress_meter, source_stats }: ProgressStatsEvent): boolean {
    const before = progress;
    const reading = Math.floor(Math.min(progress_meter ?? 0, ACTIVE_MAX_PERCENT));
    const percent = Math.max(before.percent, reading);
    const sourcesRead = source_stats?.num_sources_read ?? before.sourcesRead;
    const sourcesConsidered = source_stats?.num_sources_considered ?? before.sourcesConsidered;
    progress = { ...before, percent, sourcesRead, sourcesConsidered };
    return (
      percent !== before.percent ||
      sourcesRead !== before.sourcesRead ||
      sourcesConsidered !== before.sourcesConsidered
    );
  }

  function takeMessage(event: ProgressMessageEvent): boolean {
    const message: RunMessage = {
      kind: event.type.slice("task_run.progress_msg.".length),
      message: cutText(event.message, MESSAGE_MAX_CHARS),
      timestamp: event.timestamp ?? null,
    };
    isReplay ??= createReplayFilter();
    if (isReplay(message)) return false;
    progress = {
      ...progress,
      latestMessage: message.message,
      messages: [...progress.messages, message].slice(-MESSAGES_KEPT),
    };
    return true;
  }

  return {
    take: (event) =>
      event.type === "task_run.progress_stats" ? takeStats(event) : takeMessage(event),
    read: () => progress,
  };
}

/**
 * Reconnecting to a run's stream replays all messages from the start, with their timestamps (Task API, "Stream
 * life"). Memory is bounded: once the oldest are forgotten, what is not younger than they were is a replay too.
 */
function createReplayFilter(): (message: RunMessage) => boolean {
  const seen = new LruCache<string, number>(SEEN_MAX);
  let forgottenUntil = Number.NEGATIVE_INFINITY;
  return ({ kind, timestamp, message }) => {
    const key = `${kind}\n${timestamp}\n${message}`;
    const at = timestamp === null ? Number.NaN : Date.parse(timestamp);
    if (seen.has(key) || at <= forgottenUntil) return true;
    const forgotten = seen.set(key, at);
    if (forgotten !== undefined && forgotten.value > forgottenUntil) {
      forgottenUntil = forgotten.value;
    }
    return false;
  };
}
