/** The result of one check. */
export interface Finding {
  check: string;
  /** A warning limits what works, or may be a mistake; a problem prevents work. */
  state: "ok" | "warning" | "problem";
  message: string;
  /** How to fix it. */
  advice?: string;
}

const MIB = 1024 * 1024;

export function sizeText(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  return bytes < MIB ? `${Math.ceil(bytes / 1024)} KiB` : `${(bytes / MIB).toFixed(1)} MiB`;
}
