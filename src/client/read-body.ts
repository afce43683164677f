import type { FetchResponse } from "./fetch.ts";

/** The body as text, and whether it was longer than `maxBytes`; what follows is not read and the connection is closed. */
export async function readText(
  body: FetchResponse["body"],
  maxBytes: number,
): Promise<{ text: string; isCut: boolean }> {
  if (body === null) return { text: "", isCut: false };
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) return { text, isCut: true };
    text += decoder.decode(chunk, { stream: true });
  }
  return { text: text + decoder.decode(), isCut: false };
}

/** The value of JSON text, or undefined (which JSON cannot say) when it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
