import { type Processor, findProcessor } from "../task-api/processors.ts";

/** What runs cost on a backend, and how long they usually take there. */
export interface PriceList {
  /** US dollars per completed run; undefined when it is not known. */
  priceUsd(processor: string): number | undefined;
  /** Undefined when it is not known. */
  usualSeconds(processor: string): Processor["latencySeconds"] | undefined;
  /** Whose prices these are when they are not the backend's own word. */
  readonly caveat: string | null;
}

export interface PriceListOptions {
  kind: "hosted" | "custom" | "embedded";
  /** The operator's prices by processor, in US dollars: they win. */
  overrides?: Readonly<Record<string, number>> | undefined;
}

/**
 * The built-in engine is free and as fast as its documents are few. Other backends have the prices of Parallel's list
 * unless the operator says otherwise; what they charge for a processor nobody told us about is unknown.
 */
export function createPriceList({ kind, overrides = {} }: PriceListOptions): PriceList {
  const own = new Map(Object.entries(overrides));
  const isEmbedded = kind === "embedded";
  return {
    priceUsd: (processor) =>
      own.get(processor) ?? (isEmbedded ? 0 : findProcessor(processor)?.priceUsd),
    usualSeconds: (processor) =>
      isEmbedded ? undefined : findProcessor(processor)?.latencySeconds,
    caveat:
      kind === "custom" && own.size === 0
        ? "by Parallel's list; this backend's own price may differ"
        : null,
  };
}

/** Sums of tenths of a cent, without the dust of binary fractions. */
export function roundUsd(usd: number): number {
  return Number(usd.toFixed(6));
}
