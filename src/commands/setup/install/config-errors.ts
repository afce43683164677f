import { UsageError } from "../../../runtime/usage-error.ts";

/** A client's configuration file cannot be changed safely. The message says why and what to do; nothing was written. */
export class ClientConfigUnusable extends UsageError {
  override readonly name = "ClientConfigUnusable";
}

/** Counted from 1, as editors do. */
export interface Position {
  line: number;
  column: number;
}

/** The text is not valid JSON, TOML or YAML. */
export class ConfigSyntaxError extends Error {
  override readonly name = "ConfigSyntaxError";
  readonly position: Position;

  constructor(problem: string, position: Position, options?: ErrorOptions) {
    super(problem, options);
    this.position = position;
  }
}

export function positionAt(text: string, offset: number): Position {
  const lines = text.slice(0, offset).split("\n");
  return { line: lines.length, column: (lines.at(-1) ?? "").length + 1 };
}
