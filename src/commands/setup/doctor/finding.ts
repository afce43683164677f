/** What one look at the installation showed. */
export interface Finding {
  check: string;
  /** A warning is something that works in a smaller way, or that nobody may have wanted. */
  state: "ok" | "warning" | "problem";
  message: string;
  /** What to do about it. */
  advice?: string;
}

const MIB = 1024 * 1024;

export function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < MIB ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / MIB).toFixed(1)} MiB`;
}

export function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
