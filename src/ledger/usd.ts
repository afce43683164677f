/** Money is counted in whole millionths of a dollar: sums are exact, so that the last cent of a budget can be spent. */
const MICROS_PER_USD = 1_000_000;

export function toMicros(usd: number): number {
  return Math.round(usd * MICROS_PER_USD);
}

export function toUsd(micros: number): number {
  return micros / MICROS_PER_USD;
}
