import type { z } from "zod";
import type { JsonObject } from "../task-api/task-spec.ts";
import type { OtherNames } from "./arguments/read-arguments.ts";
import type { RunReport } from "./report/run-report.ts";
import type { Backend } from "./runs/backend.ts";
import type { CallContext } from "./runs/call-context.ts";

/** The groups by which tools are enabled. */
export type Toolset = "runs" | "groups";

/**
 * The backend that the texts for agents describe: an embedded engine that plays a script has no documents, and one whose
 * runs ask the agent for the answer (`host`) has a tool more.
 */
export type CatalogBackend = Backend["kind"] | "scripted" | "host";

/**
 * A text for each backend where the usual one would be wrong; null for an argument that is not shown there. For `host`,
 * by default that of `embedded`.
 */
export type ArgumentTexts<Text = string> = Readonly<Partial<Record<CatalogBackend, Text>>>;

/** The same for a tool: its description and, by name, its arguments. */
export type ToolTexts = ArgumentTexts<{
  description?: string;
  arguments?: Readonly<Record<string, string | null>>;
}>;

/** The parts of a tool that clients see. */
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
  otherWords?: ToolTexts;
  /** Listed only where runs ask the agent for the answer. */
  isForHost?: true;
}

/** A tool: everything about it but the protocol. It never builds MCP content; `runToolCall` does. */
export interface Tool<Arguments extends z.ZodObject = z.ZodObject> extends Omit<
  ListedTool,
  "shownInput" | "shownOutput"
> {
  /** An argument has its own texts for other backends, as `meta({ otherWords })`. */
  input: Arguments;
  /** Names under which callers know an argument besides its own. */
  otherNames?: OtherNames;
  /** The part of the run report that every answer of the tool may have; clients are shown its schema. */
  output: z.ZodObject;
  /** Throws `InvalidArguments`, and what the client throws. */
  run(args: z.output<Arguments>, context: CallContext): Promise<RunReport>;
}
