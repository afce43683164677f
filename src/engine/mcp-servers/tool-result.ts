import type { CallToolResult } from "@modelcontextprotocol/client";
import { cleanText, cleanValue } from "../../text/clean-text.ts";
import type { ServerRedaction } from "./server-secrets.ts";

/** One piece of text that a tool returned. */
export interface ToolText {
  text: string;
  /** The origin of the text, if the tool gives it separately (an embedded resource). */
  url: string | null;
}

/** The cleaned texts of a result; without texts, its structured content as text. Images and sounds are left out. */
export function readToolResult(
  { content, structuredContent }: CallToolResult,
  redact: ServerRedaction,
): ToolText[] {
  const texts = content.flatMap((block): ToolText[] => {
    switch (block.type) {
      case "text":
        return [{ text: block.text, url: null }];
      case "resource":
        return "text" in block.resource
          ? [{ text: block.resource.text, url: block.resource.uri }]
          : [];
      case "resource_link":
        return [{ text: block.description ?? "", url: block.uri }];
      case "image":
      case "audio":
        return [];
    }
  });
  const cleaned = texts
    .map(({ text, url }) => ({ text: redact.inResult(cleanText(text)), url }))
    .filter(({ text }) => text.trim() !== "");
  if (cleaned.length > 0 || structuredContent === undefined) return cleaned;
  return [{ text: redact.inResult(JSON.stringify(cleanValue(structuredContent))), url: null }];
}
