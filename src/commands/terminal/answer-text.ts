import type { RunOutput } from "../../task-api/output.ts";

/** An output as a person reads it in a terminal: the content, then every source once. */
export function answerText(output: RunOutput): string {
  const content =
    output.type === "text" ? output.content.trim() : JSON.stringify(output.content, null, 2);
  const sources = new Map<string, string>();
  for (const { citations } of output.basis) {
    for (const { url, title } of citations ?? []) {
      if (!sources.has(url)) sources.set(url, title ?? "");
    }
  }
  if (sources.size === 0) return content;
  const lines = [...sources].map(
    ([url, title], index) => `  [${index + 1}] ${title === "" ? url : `${title}\n      ${url}`}`,
  );
  return [content, "", "Sources", ...lines].join("\n");
}
