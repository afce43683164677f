import { findDates } from "../../../src/engine/sources/text/dates.ts";
import { describe, expect, test } from "vitest";
import { findNumbers, findScale, findUnit } from "../../../src/engine/sources/text/numbers.ts";

const values = (text: string) => findNumbers(text).map(({ value, unit }) => [value, unit]);

describe("numbers", () => {
  test.each<[string, [number, string | null][]]>([
    ["$3.05 trillion", [[3.05e12, "USD"]]],
    ["about 68.2 million people", [[68_200_000, null]]],
    ["1,234.5", [[1234.5, null]]],
    [
      "US$ 12bn and €4 million",
      [
        [12e9, "USD"],
        [4e6, "EUR"],
      ],
    ],
    [
      "4.2% or 5 per cent",
      [
        [4.2, "%"],
        [5, "%"],
      ],
    ],
    [
      "-3.5 °C and −40 °C",
      [
        [-3.5, "°C"],
        [-40, "°C"],
      ],
    ],
    ["299,792,458 metres per second", [[299_792_458, "m/s"]]],
    [
      "8,848.86 m, 27 km, 100 feet",
      [
        [8848.86, "m"],
        [27, "km"],
        [100, "ft"],
      ],
    ],
    ["2.80 trillion in current US dollars", [[2.8e12, null]]],
    ["2.80 trillion US dollars", [[2.8e12, "USD"]]],
    [
      "from 1990-2000",
      [
        [1990, null],
        [2000, null],
      ],
    ],
    ["the G7, the 20th, COVID19, version 1.2.3, 6.6 × 10−34", []],
    ["on 24 October 1945 it had 51 members", [[51, null]]],
  ])("%s", (text, expected) => {
    expect(values(text)).toEqual(expected);
  });

  test("tell years from quantities", () => {
    const years = findNumbers("In 2023 it was $2023, 2023 km and 2,023").map(
      ({ isYear }) => isYear,
    );
    expect(years).toEqual([true, false, false, false]);
  });
});

test.each([
  ["on 24 October 1945,", ["1945-10-24"]],
  ["October 24, 1945 and Oct. 5 1999", ["1945-10-24", "1999-10-05"]],
  ["the 4th of July 2012", ["2012-07-04"]],
  ["1954-09-29", ["1954-09-29"]],
  ["31 February 2020, 2020-13-01, May 2020", []],
])("dates of %j", (text, expected) => {
  expect(findDates(text).map((date) => date.iso)).toEqual(expected);
});

test.each([
  ["GDP in billions of US dollars", 1e9],
  ["population_millions".replace("_", " "), 1e6],
  ["GDP in US dollars, not in billions", null],
  ["for example 3 trillion", null],
  ["a number", null],
])("scale of %j", (text, scale) => {
  expect(findScale(text)).toBe(scale);
});

test("units are found by symbol and by name", () => {
  expect(findUnit("GDP (current US$)")).toBe("USD");
  expect(findUnit("Diameter in kilometres")).toBe("km");
  expect(findUnit("Number of members")).toBeNull();
});
