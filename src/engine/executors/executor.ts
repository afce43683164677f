import type { Logger } from "pino";
import type { z } from "zod";
import type { Database } from "../../database/open-database.ts";
import type { RunOutput } from "../../task-api/output.ts";
import type { ProgressEvent } from "../../task-api/run-event.ts";
import type { Processor } from "../../task-api/processors.ts";
import type { RunInput } from "../../task-api/run-input.ts";
import type { RunWarning } from "../../task-api/run.ts";
import type { EvidenceStore } from "../research/evidence-store.ts";
import type { SubmissionStore } from "../runs/submissions.ts";
import type { FetchFromRun } from "../outgoing/guarded-fetch.ts";

/** One attempt at a run. */
export interface Attempt {
  runId: string;
  /** Epoch milliseconds: when the run was created. Documents indexed since then are new enough for it. */
  createdMs: number;
  input: RunInput;
  /** The questions and answers this run follows up on (`previous_interaction_id`), oldest first. */
  previous: readonly ConversationTurn[];
  /** Aborts when the run is cancelled, the lease is lost, or the process is about to end. */
  signal: AbortSignal;
  /** Appends a progress event to the run's event log. Timestamps are added by the log. */
  report(event: ProgressEvent): Promise<void>;
}

/** An earlier run of the same conversation. */
export interface ConversationTurn {
  runId: string;
  input: RunInput["input"];
  output: RunOutput;
}

export interface ExecutionResult {
  output: RunOutput;
  warnings: RunWarning[];
}

/** The code that performs a run. */
export interface Executor {
  /**
   * Names the configuration: runs created under one key are performed only by workers with the same key, because
   * another process may share the database and have other documents.
   */
  readonly key: string;
  /**
   * Throws {@link ExecutionFailed} for a failure the user should read, {@link ActionRequired} to wait for an answer and
   * {@link RetryLater} to be attempted again; anything else is reported as internal.
   */
  execute(attempt: Attempt): Promise<ExecutionResult>;
  /** Warnings about an input before it runs, checked against what there was at `sinceMs` or later. */
  warningsFor?(input: RunInput, sinceMs: number): Promise<RunWarning[]>;
  /** How long a run on the processor usually takes, where that is known. */
  usualSeconds?(processor: string): Processor["latencySeconds"] | null;
  /** Ends background work. Afterwards the executor performs no run and does not use the database. */
  close?(): Promise<void>;
}

/** The services that the engine provides to an executor. */
export interface ExecutorDeps {
  db: Database;
  /** What its runs have seen. */
  evidence: EvidenceStore;
  /** What came from outside for its runs. */
  submissions: Pick<SubmissionStore, "find">;
  /** Fetches addresses that a run supplies, guarded against requests to internal networks. */
  fetchFromRun: FetchFromRun;
  log: Logger;
}

/** A kind of executor, as the registry knows it. */
export interface ExecutorKind {
  /** The schema of its settings. */
  readonly settings: z.ZodType;
  /** Throws a `ZodError` for settings that do not follow the schema, and what the executor throws when it cannot start. */
  create(deps: ExecutorDeps, settings: unknown): Promise<Executor>;
}

/** Declares a kind of executor: `create` gets its own settings, parsed. */
export function defineExecutor<Settings extends z.ZodType>({
  settings,
  create,
}: {
  settings: Settings;
  create(deps: ExecutorDeps, settings: z.output<Settings>): Promise<Executor>;
}): ExecutorKind {
  return { settings, create: async (deps, given) => create(deps, settings.parse(given)) };
}

/** The run cannot succeed; the message explains to the run's owner why and what to do. */
export class ExecutionFailed extends Error {
  override readonly name = "ExecutionFailed";
}

/** The run needs an answer from outside: it waits as `action_required`, and fails when none comes in time. */
export class ActionRequired extends Error {
  override readonly name = "ActionRequired";
  readonly deadlineSeconds: number;
  /** Whether the API takes the answer, so that another attempt finds it among {@link ExecutorDeps.submissions}. */
  readonly takesAnswer: boolean;

  constructor(
    message: string,
    { deadlineSeconds, takesAnswer = false }: { deadlineSeconds: number; takesAnswer?: boolean },
  ) {
    super(message);
    this.deadlineSeconds = deadlineSeconds;
    this.takesAnswer = takesAnswer;
  }
}

/**
 * This attempt cannot go on now, and a later one can: a model's rate limit, say. The run is queued again and attempted
 * after `afterMs` at the earliest; the wait does not count as an attempt that was lost.
 */
export class RetryLater extends Error {
  override readonly name = "RetryLater";
  readonly afterMs: number;

  /** `reason` explains to the run's owner what the run waits for. */
  constructor(reason: string, { afterMs, cause }: { afterMs: number; cause?: unknown }) {
    super(reason, { cause });
    this.afterMs = afterMs;
  }
}
