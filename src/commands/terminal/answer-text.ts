import { shownJson } from "../../mcp/report/phrases.ts";
import type { RunOutput } from "../../task-api/output.ts";
import { cleanText } from "../../text/clean-text.ts";

/** An output as a person reads it in a terminal: the content, then the sources that it does not name itself. */
export function answerText({ type, content, basis }: RunOutput): string {
  const text = type === "text" ? content.trim() : shownJson(content, 2);
  const titles = new Map(
    basis
      .flatMap(({ citations }) => citations ?? [])
      .filter(({ url }) => !text.includes(url))
      .map(({ url, title }) => [url, title]),
  );
  if (titles.size === 0) return cleanText(text);
  const sources = [...titles].map(([url, title]) => `  - ${title ? `${title}\n    ${url}` : url}`);
  return cleanText([text, "", "Sources", ...sources].join("\n"));
}
