import type { FetchResponse } from "./fetch.ts";

/** Of whole texts only: between them it remembers nothing. */
const decoder = new TextDecoder();

/** The body as text, and whether it was longer than `maxBytes`; what follows is not read and the connection is closed. */
export async function readText(
  body: FetchResponse["body"],
  maxBytes: number,
): Promise<{ text: string; isCut: boolean }> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  let isCut = false;
  for await (const chunk of body ?? []) {
    bytes += chunk.byteLength;
    isCut = bytes > maxBytes;
    if (isCut) break;
    chunks.push(chunk);
  }
  const [first] = chunks;
  const whole = chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks);
  return { text: decoder.decode(whole), isCut };
}
