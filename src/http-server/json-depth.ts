/** An output schema of five levels takes some twenty; recursive readers of JSON fail after several thousand. */
export const MAX_JSON_LEVELS = 100;

/** Whether objects and lists are nested deeper than `levels`. A loop: a value can have more levels than the stack. */
export function isDeeperThan(value: unknown, levels: number): boolean {
  let layer: unknown[] = [value];
  for (let level = 0; layer.length > 0; level += 1) {
    const next: unknown[] = [];
    for (const part of layer) {
      if (typeof part !== "object" || part === null) continue;
      if (level === levels) return true;
      for (const inner of Object.values(part)) next.push(inner);
    }
    layer = next;
  }
  return false;
}
