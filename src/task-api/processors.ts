/** The tier a run asks for: what it costs and how long it usually takes. */
export interface Processor {
  name: string;
  /** US dollars per completed run; failed runs are not billed. */
  priceUsd: number;
  /** The wider of the published latency bands, in seconds. Time in the queue is not part of it. */
  latencySeconds: { from: number; to: number };
  /** About how many output fields it is intended for. */
  maxFields: number;
  /** Progress events are recorded unless the run says otherwise (`pro` and above). */
  eventsByDefault: boolean;
  bestFor: string;
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;

interface Tier {
  name: string;
  priceUsd: number;
  band: [from: number, to: number];
  fastBand: [from: number, to: number];
  maxFields: number;
  bestFor: string;
}

/** Source: Task API, "Processors" (price per 1,000 runs there, per run here). */
const TIERS: readonly Tier[] = [
  {
    name: "lite",
    priceUsd: 0.005,
    band: [10, 2 * MINUTE],
    fastBand: [10, 20],
    maxFields: 2,
    bestFor: "one or two simple facts",
  },
  {
    name: "base",
    priceUsd: 0.01,
    band: [15, 3 * MINUTE],
    fastBand: [15, 50],
    maxFields: 5,
    bestFor: "a few standard facts",
  },
  {
    name: "core",
    priceUsd: 0.025,
    band: [MINUTE, 5 * MINUTE],
    fastBand: [15, 100],
    maxFields: 10,
    bestFor: "facts that need cross-checking",
  },
  {
    name: "core2x",
    priceUsd: 0.05,
    band: [MINUTE, 10 * MINUTE],
    fastBand: [15, 3 * MINUTE],
    maxFields: 10,
    bestFor: "harder cross-checking",
  },
  {
    name: "pro",
    priceUsd: 0.1,
    band: [2 * MINUTE, 10 * MINUTE],
    fastBand: [30, 5 * MINUTE],
    maxFields: 20,
    bestFor: "exploratory research and reports",
  },
  {
    name: "ultra",
    priceUsd: 0.3,
    band: [3 * MINUTE, 25 * MINUTE],
    fastBand: [MINUTE, 10 * MINUTE],
    maxFields: 20,
    bestFor: "deep research over many sources",
  },
  {
    name: "ultra2x",
    priceUsd: 0.6,
    band: [5 * MINUTE, 50 * MINUTE],
    fastBand: [MINUTE, 20 * MINUTE],
    maxFields: 25,
    bestFor: "difficult deep research",
  },
  {
    name: "ultra4x",
    priceUsd: 1.2,
    band: [5 * MINUTE, 90 * MINUTE],
    fastBand: [MINUTE, 40 * MINUTE],
    maxFields: 25,
    bestFor: "very difficult deep research",
  },
  {
    name: "ultra8x",
    priceUsd: 2.4,
    band: [5 * MINUTE, 2 * HOUR],
    fastBand: [MINUTE, HOUR],
    maxFields: 25,
    bestFor: "the hardest deep research",
  },
];

const FIRST_TIER_WITH_EVENTS = TIERS.findIndex((tier) => tier.name === "pro");

/** Every processor the documentation names, cheapest first, each followed by its `-fast` variant at the same price. */
export const PROCESSORS: readonly Processor[] = TIERS.flatMap((tier, index) => {
  const shared = {
    priceUsd: tier.priceUsd,
    maxFields: tier.maxFields,
    eventsByDefault: index >= FIRST_TIER_WITH_EVENTS,
    bestFor: tier.bestFor,
  };
  return [
    { name: tier.name, ...shared, latencySeconds: { from: tier.band[0], to: tier.band[1] } },
    {
      name: `${tier.name}-fast`,
      ...shared,
      latencySeconds: { from: tier.fastBand[0], to: tier.fastBand[1] },
    },
  ];
});

const BY_NAME = new Map(PROCESSORS.map((processor) => [processor.name, processor]));

/** The processor of that name, or undefined for one this contract does not know (the server decides on those). */
export function findProcessor(name: string): Processor | undefined {
  return BY_NAME.get(name);
}

/** All of them in words, cheapest first. */
export function processorNames(): string {
  return `${TIERS.map(({ name }) => name).join(", ")}; each also with -fast, such as ${TIERS[0]?.name}-fast`;
}
