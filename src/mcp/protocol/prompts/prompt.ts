import type { z } from "zod";

/** What may be completed while a person fills in an argument. */
export type Completion = "run_id" | "taskgroup_id" | "processor";

/** Something worth asking often, as a person picks it from a menu. */
export interface Prompt<Arguments extends z.ZodObject = z.ZodObject> {
  name: string;
  title: string;
  description: string;
  /** The tools that its text names: it is offered only where all of them are. */
  tools: readonly string[];
  /** Every argument is text (MCP: Prompts). */
  input: Arguments;
  completions: Readonly<Record<string, Completion>>;
  /** What the model is told, in the user's name. Throws `InvalidArguments`. */
  write(args: z.output<Arguments>): string;
}
