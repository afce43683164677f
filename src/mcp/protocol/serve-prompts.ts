import {
  type ListPromptsResult,
  type McpServer,
  ProtocolError,
  ProtocolErrorCode,
} from "@modelcontextprotocol/server";
import { z } from "zod";
import { InvalidArguments, argumentProblems } from "../arguments/argument-problems.ts";
import type { Prompt } from "./prompts.ts";

/** Registers `prompts/list` and `prompts/get`. */
export function registerPrompts({ server }: McpServer, prompts: readonly Prompt[]): void {
  server.setRequestHandler("prompts/list", () => ({ prompts: prompts.map(shownPrompt) }));
  server.setRequestHandler("prompts/get", ({ params }) => {
    const prompt = prompts.find(({ name }) => name === params.name);
    if (prompt === undefined) {
      const names = prompts.map(({ name }) => name).join(", ");
      throw invalid(`There is no such prompt. Prompts: ${names}.`);
    }
    return {
      description: prompt.description,
      messages: [
        { role: "user", content: { type: "text", text: write(prompt, params.arguments) } },
      ],
    };
  });
}

const Shown = z.object({
  properties: z.record(z.string(), z.object({ description: z.string() })),
  required: z.array(z.string()).default([]),
});

function shownPrompt({
  name,
  title,
  description,
  input,
}: Prompt): ListPromptsResult["prompts"][number] {
  const { properties, required } = Shown.parse(z.toJSONSchema(input, { io: "input" }));
  return {
    name,
    title,
    description,
    arguments: Object.entries(properties).map(([argument, { description: meaning }]) => ({
      name: argument,
      description: meaning,
      required: required.includes(argument),
    })),
  };
}

function write(prompt: Prompt, args: unknown): string {
  const parsed = prompt.input.safeParse(args ?? {});
  try {
    if (!parsed.success) throw new InvalidArguments(argumentProblems(parsed.error));
    return prompt.write(parsed.data);
  } catch (error) {
    if (!(error instanceof InvalidArguments)) throw error;
    const lines = error.problems.map(({ argument, fix }) => `${argument}: ${fix}`);
    throw invalid(`Invalid arguments: ${lines.join("; ")}.`);
  }
}

function invalid(message: string): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, message);
}
