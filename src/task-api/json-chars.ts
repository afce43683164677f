import { isJsonObject } from "./task-spec.ts";

/** Length of a JSON value's compact text, as `JSON.stringify` writes it, for values nested deeper than the stack is. */
export function jsonChars(json: unknown): number {
  let chars = 0;
  const pending = [json];
  while (pending.length > 0) {
    const value = pending.pop();
    if (Array.isArray(value)) {
      chars += bracketsAndCommas(value.length);
      for (const item of value) pending.push(item);
    } else if (isJsonObject(value)) {
      const members = Object.entries(value).filter(([, member]) => member !== undefined);
      chars += bracketsAndCommas(members.length);
      for (const [name, member] of members) {
        chars += JSON.stringify(name).length + ":".length;
        pending.push(member);
      }
    } else {
      chars += JSON.stringify(value).length;
    }
  }
  return chars;
}

function bracketsAndCommas(size: number): number {
  return 2 + Math.max(0, size - 1);
}
