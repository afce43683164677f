import type { Logger } from "pino";
import type { z } from "zod";
import type { Clock } from "../runtime/clock.ts";
import type { Webhook } from "../task-api/run-input.ts";
import type { JsonObject } from "../task-api/task-spec.ts";
import type { Backend } from "./runs/backend.ts";
import type { ProgressReporter, ProgressSubject } from "./runs/progress.ts";
import type { OtherNames } from "./arguments/read-arguments.ts";
import type { RunReport } from "./report/run-report.ts";
import type { WaitLimits } from "./runs/wait-policy.ts";

/** What a tool has at hand while it answers one call. */
export interface ToolContext {
  /** Opens the backend on first use. Throws {@link BackendUnavailable}. */
  openBackend(): Promise<Backend>;
  defaultProcessor: string;
  /** What is told of the end of the runs that are started here, unless a call names another; undefined for nothing. */
  webhook: Webhook | undefined;
  /** What the operator lets be spent in a UTC day; undefined for no limit. */
  budgetUsdPerDay: number | undefined;
  /** What this caller alone may spend of it; undefined for no limit. */
  ownBudgetUsdPerDay: number | undefined;
  /** How long this caller's calls may wait. */
  waits: WaitLimits;
  clock: Clock;
  /** The log of this call; made when it is asked for, because most calls have nothing to log. */
  log: () => Logger;
  /** Aborts when the caller gives up. It ends the waiting and nothing else: a dropped call never cancels a run. */
  callerLeft: AbortSignal;
  /** Aborts when the server is about to end. It ends the waiting too, and calls are answered with what is known. */
  draining: AbortSignal | undefined;
  /** Starts telling the caller how a run or a group gets on; silent unless the caller asked for progress. */
  startProgress(subject: ProgressSubject): ProgressReporter;
}

/** What tools are chosen by. */
export type Toolset = "runs" | "groups";

/** What performs the runs, as far as agents are told: an embedded engine that plays a script has no documents. */
export type CatalogBackend = Backend["kind"] | "scripted";

/**
 * Texts for backends where those for the hosted API would be wrong. An argument has them as `meta({ words })`, with null
 * where it is not shown.
 */
export type OtherWords<Text = string> = Readonly<
  Partial<Record<Exclude<CatalogBackend, "hosted">, Text>>
>;

/** What is shown in other words: the description, and arguments by name. */
export interface ShownWords {
  description?: string;
  arguments?: Readonly<Record<string, string | null>>;
}

/** What clients are shown of a tool. */
export interface ListedTool {
  name: string;
  toolset: Toolset;
  title: string;
  description: string;
  /** The four hints of MCP's tool annotations, all set: their defaults are the alarming ones. */
  hints: { readOnly: boolean; destructive: boolean; idempotent: boolean; openWorld: boolean };
  /** JSON Schema. */
  shownInput: JsonObject & { properties: Readonly<Record<string, JsonObject>> };
  shownOutput: JsonObject;
  otherWords?: OtherWords<ShownWords>;
}

/** A tool: everything about it but the protocol. It never builds MCP content; see {@link callTool}. */
export interface Tool<Arguments extends z.ZodObject = z.ZodObject> extends Omit<
  ListedTool,
  "shownInput" | "shownOutput" | "otherWords"
> {
  /** Other descriptions for other backends. */
  words?: OtherWords;
  input: Arguments;
  /** Names under which callers know an argument besides its own. */
  otherNames?: OtherNames;
  /** The part of the run report that clients are shown; the rest comes all the same. */
  output: z.ZodObject;
  /** Throws `InvalidArguments`, and what the client throws. */
  run(args: z.output<Arguments>, context: ToolContext): Promise<RunReport>;
}
