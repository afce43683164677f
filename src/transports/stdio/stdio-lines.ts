import type { RequestId } from "@modelcontextprotocol/server";

/** A group of a thousand inputs with their specs is smaller. */
const MAX_LINE_BYTES = 10 * 1024 * 1024;
/** How many bytes are stored of each end of a line that is too long, to find its id in them. */
const KEPT_BYTES = 1024;
const LINE_END = 0x0a;

/** Splits the input into lines. A line that is too long is read to its end, but only its id is returned. */
export function createLineReader({
  onLine,
  onTooLong,
  limit = MAX_LINE_BYTES,
}: {
  onLine: (line: string) => void;
  onTooLong: (id: RequestId | null, limit: number) => void;
  limit?: number;
}): { push: (chunk: Buffer) => void; isInLine: () => boolean } {
  let parts: Buffer[] = [];
  let bytes = 0;

  function take(part: Buffer): void {
    bytes += part.length;
    parts.push(part);
    if (bytes <= limit) return;
    const all = Buffer.concat(parts);
    // Copies: a part of a buffer holds all of it.
    const start = Buffer.from(all.subarray(0, KEPT_BYTES));
    parts = [start, Buffer.from(all.subarray(Math.max(KEPT_BYTES, all.length - KEPT_BYTES)))];
  }

  return {
    push(chunk) {
      let rest = chunk;
      for (let end = rest.indexOf(LINE_END); end !== -1; end = rest.indexOf(LINE_END)) {
        take(rest.subarray(0, end));
        const line = Buffer.concat(parts).toString("utf8");
        const isTooLong = bytes > limit;
        parts = [];
        bytes = 0;
        if (isTooLong) onTooLong(findId(line), limit);
        else onLine(line);
        rest = rest.subarray(end + 1);
      }
      if (rest.length > 0) take(rest);
    },
    isInLine: () => bytes > 0,
  };
}

const ID = String.raw`"id"\s*:\s*(-?\d{1,15}|"(?:[^"\\]|\\.)*")`;
/** Clients write the id before the parameters, or last of all. */
const ID_FIRST = new RegExp(
  String.raw`^\uFEFF?\s*\{\s*(?:"(?:jsonrpc|method)"\s*:\s*"[^"]*"\s*,\s*)*${ID}\s*,`,
);
const ID_LAST = new RegExp(
  String.raw`${ID}\s*(?:,\s*"(?:jsonrpc|method)"\s*:\s*"[^"]*"\s*)*\}\s*$`,
);

/** The id of a request of which only the ends are known. */
function findId(ends: string): RequestId | null {
  const id = (ID_FIRST.exec(ends) ?? ID_LAST.exec(ends))?.[1];
  if (id === undefined) return null;
  return id.startsWith('"') ? String(JSON.parse(id)) : Number(id);
}
