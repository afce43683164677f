import { describe, expect, test } from "vitest";
import { createAsk, fieldsSpec, jsonOf } from "./run-extractive.ts";
import type { JsonObject } from "../../../src/task-api/task-spec.ts";

/** Fills these fields from the example documents. */
async function fill(input: string | JsonObject, properties: JsonObject) {
  const ask = await createAsk();
  const result = await ask(input, { processor: "base", ...fieldsSpec(properties) });
  return { ...jsonOf(result), warnings: result.warnings.map((warning) => warning.message) };
}

const number = (description: string) => ({ type: "number", description });
const text = (description = "") => ({ type: "string", description });

describe("a number", () => {
  test("is written out, scaled as the field wants it, and cited", async () => {
    const { content, basis } = await fill("What was the GDP of France in 2023?", {
      gdp: number("GDP in US dollars"),
      gdp_trillions: number("GDP in trillions of US dollars"),
      gdp_billions: { type: "integer", description: "GDP in billion USD" },
    });
    expect(content).toEqual({ gdp: 3.05e12, gdp_trillions: 3.05, gdp_billions: 3050 });
    expect(basis.map((entry) => entry.field)).toEqual(["gdp", "gdp_trillions", "gdp_billions"]);
    for (const { citations, confidence, reasoning } of basis) {
      expect(citations?.[0]).toMatchObject({
        url: expect.stringContaining("locations=FR"),
        excerpts: [expect.stringContaining("$3.05 trillion")],
      });
      expect(confidence).toBe("low");
      expect(reasoning).toMatch(/no model was used/);
    }
  });

  test("of another year or another unit stays empty, with a warning", async () => {
    const { content, warnings, basis } = await fill("GDP of France", {
      gdp_1998: { type: ["number", "null"], description: "GDP in US dollars" },
      gdp_eur: { type: ["number", "null"], description: "GDP in euros in 2023" },
      gdp_growth: { type: ["number", "null"], description: "GDP growth in percent in 2023" },
    });
    expect(content).toEqual({ gdp_1998: null, gdp_eur: null, gdp_growth: null });
    expect(warnings).toEqual([
      expect.stringMatching(/^No model was used/),
      "No value found for gdp_1998, gdp_eur, gdp_growth; left empty.",
    ]);
    for (const { reasoning } of basis) expect(reasoning).toMatch(/left empty. The closest passage/);
  });

  test("is that of the year that was asked for, in a sentence with two", async () => {
    const ask = await createAsk({
      "a.md":
        "# Mount Arlo\n\nThe height was 4,807 metres in 2021, and the height was 4,805 metres in 2023.\n",
    });
    const spec = fieldsSpec({
      height: number("height in metres"),
      in_feet: { type: ["number", "null"], description: "height in feet" },
    });
    const content = async (input: string) => jsonOf(await ask(input, spec)).content;
    expect(await content("Mount Arlo in 2021")).toEqual({ height: 4807, in_feet: null });
    expect(await content("Mount Arlo in 2023")).toEqual({ height: 4805, in_feet: null });
  });

  test("of a whole kind is not taken from a fraction", async () => {
    const { content } = await fill("GDP of France in 2023", {
      gdp: { type: "integer", description: "GDP in trillion US dollars" },
    });
    expect(content).toEqual({ gdp: null });
  });
});

test("an empty place has the value that the schema admits there; where there is none, null, and a warning says so", async () => {
  const { content, warnings } = await fill("GDP of Wakanda in 2023", {
    gdp: number("in US dollars"),
    currency: { type: ["string", "null"] },
    industries: { type: "array", items: { type: "string" } },
    leaders: { anyOf: [{ type: "array", items: { type: "string" } }, { type: "null" }] },
  });
  expect(content).toEqual({ gdp: null, currency: null, industries: [], leaders: null });
  expect(warnings).toContain("No value found for gdp, currency, industries, leaders; left empty.");
  expect(warnings).toContain(
    "The output schema admits no empty value for gdp; it does not conform there.",
  );
});

test("text fields take a date, a year or a cell, never a sentence", async () => {
  const { content } = await fill("CERN", {
    founded: text("date of founding, YYYY-MM-DD"),
    founding_date: text(),
    founded_year: { type: "integer" },
    founding: text("a sentence on how CERN was founded"),
    story: text("how CERN was founded"),
  });
  expect(content).toEqual({
    founded: "1954-09-29",
    founding_date: "29 September 1954",
    founded_year: 1954,
    founding: "",
    story: "",
  });
  expect((await fill("Spain", { capital: text("the capital city") })).content).toEqual({
    capital: "Madrid",
  });
});

test("an enum takes the one member that the evidence names", async () => {
  const { content } = await fill("World Health Organization", {
    headquarters: { type: "string", enum: ["New York", "Geneva", "Paris"] },
  });
  expect(content).toEqual({ headquarters: "Geneva" });
});

test("a boolean is filled only where the documents say yes or no", async () => {
  const ask = await createAsk({
    "a.md": "# Zorn\n\n| Name | Navigable | Dammed |\n|--|--|--|\n| Zorn | Yes | in parts |\n",
  });
  const spec = fieldsSpec({
    navigable: { type: "boolean" },
    dammed: { type: ["boolean", "null"] },
  });
  expect(jsonOf(await ask("Zorn", spec)).content).toEqual({ navigable: true, dammed: null });
});

test("nested objects and referenced definitions are filled field by field", async () => {
  const ask = await createAsk();
  const json_schema = {
    type: "object",
    properties: { element: { $ref: "#/$defs/element" } },
    $defs: {
      element: {
        type: "object",
        properties: {
          symbol: { type: "string" },
          atomic_number: { type: "integer" },
          price: { type: ["number", "null"] },
        },
      },
    },
  };
  const result = await ask("gold", { task_spec: { output_schema: { type: "json", json_schema } } });
  const { content, basis } = jsonOf(result);
  expect(content).toEqual({ element: { symbol: "Au", atomic_number: 79, price: null } });
  expect(basis).toMatchObject([
    {
      field: "element.symbol",
      citations: [{ excerpts: ["Element: Gold; Symbol: Au; Atomic number: 79"] }],
    },
    { field: "element.atomic_number", citations: [{ title: "Chemical elements" }] },
    { field: "element.price", reasoning: expect.stringMatching(/left empty/) },
  ]);
  expect(result.warnings[1]?.detail).toEqual({ fields: ["element.price"] });
});

test("a list of records has one item for each row that fits", async () => {
  const { content } = await fill("planets of the solar system", {
    planets: {
      type: "array",
      items: {
        type: "object",
        properties: { planet: text(), diameter_km: number("equatorial diameter in km") },
      },
    },
  });
  expect(content).toMatchObject({
    planets: expect.arrayContaining([
      { planet: "Mars", diameter_km: 6792 },
      { planet: "Jupiter", diameter_km: 142_984 },
    ]),
  });
  expect(content["planets"]).toHaveLength(6);
});

test("what some records of a list lack is absent where it may be, and named in the warning", async () => {
  const { content, warnings } = await fill("planets of the solar system", {
    planets: {
      type: "array",
      items: {
        type: "object",
        properties: {
          planet: text(),
          equatorial_diameter: text(),
          moons: number("number of moons"),
        },
      },
    },
  });
  expect(content["planets"]).toContainEqual({ planet: "Mars", equatorial_diameter: "6,792 km" });
  expect(warnings[1]).toMatch(/No value found for planets\[\]\.moons; left empty\.$/);
});

test("records about several subjects of the input keep each value with its subject", async () => {
  const { content } = await fill(
    { countries: ["France", "Germany", "Italy"], year: 2023 },
    {
      economies: {
        type: "array",
        items: {
          type: "object",
          properties: { country: text(), gdp: number("GDP in trillion US dollars") },
        },
      },
    },
  );
  expect(content["economies"]).toHaveLength(3);
  expect(content["economies"]).toEqual(
    expect.arrayContaining([
      { country: "France", gdp: 3.05 },
      { country: "Germany", gdp: 4.53 },
      { country: "Italy", gdp: 2.3 },
    ]),
  );
});

describe("near misses never fill a field", () => {
  const gdp = fieldsSpec({ gdp: { type: ["number", "null"], description: "GDP in US dollars" } });

  test.each([
    [
      "a comparison with the subject",
      "In 2023 the GDP of Germany was $4.53 trillion, more than that of France.",
    ],
    [
      "a clause about another",
      "The GDP of France was below that of Germany, which was $4.53 trillion in 2023.",
    ],
    ["another year", "In 2022 the GDP of France was $2.80 trillion."],
    [
      "two values",
      "In 2023 the GDP of France was $3.05 trillion or, by another count, $3.03 trillion.",
    ],
    [
      "values told apart by order",
      "In 2023, the GDP of France and Germany were $3.05 trillion and $4.53 trillion, respectively.",
    ],
    ["a year without a value", "In 2023 the GDP of France grew."],
  ])("%s", async (_, sentence) => {
    const ask = await createAsk({ "a.md": `# Economies\n\n${sentence}\n` });
    expect(jsonOf(await ask("GDP of France in 2023", gdp)).content).toEqual({ gdp: null });
  });

  test("but the value itself does", async () => {
    const ask = await createAsk({
      "a.md":
        "# Economies\n\nGermany's GDP was $4.53 trillion in 2023, while France had a GDP of $3.05 trillion.\n",
    });
    expect(jsonOf(await ask("GDP of France in 2023", gdp)).content).toEqual({ gdp: 3.05e12 });
  });
});

test("a wide table is read in the column of the year", async () => {
  const ask = await createAsk({
    "a.md":
      "# GDP in trillion US dollars\n\n| Country | 2022 | 2023 |\n|--|--|--|\n| France | 2.80 | 3.05 |\n| Spain | 1.45 | 1.62 |\n",
  });
  const spec = fieldsSpec({ gdp: number("GDP in trillion US dollars") });
  expect(jsonOf(await ask("GDP of Spain in 2022", spec)).content).toEqual({ gdp: 1.45 });
});

test("numbers of references, sections and comparisons fill nothing", async () => {
  const ask = await createAsk({
    "a.md": [
      "# IPv9",
      "The minimum mtu is required for IPv9 [2].",
      "The minimum mtu of IPv9 (see 7) is in section 5.",
      "The minimum mtu of IPv9 is 20 octets longer than before.",
    ].join("\n\n"),
  });
  const spec = fieldsSpec({ minimum_mtu: { type: ["integer", "null"] } });
  expect(jsonOf(await ask("IPv9", spec)).content).toEqual({ minimum_mtu: null });
});

test("a row of the very date that was asked for fills the fields, in any spelling of it", async () => {
  const ask = await createAsk({
    "weather.csv": "date,precipitation\n2012-02-01,13.5\n2012-01-02,10.9\n2012-01-03,0.8\n",
  });
  const spec = fieldsSpec({ precipitation: { type: "number" } });
  for (const date of ["2012-01-02", "January 2, 2012", "2 January 2012"])
    expect(jsonOf(await ask(`Weather on ${date}`, spec)).content).toEqual({ precipitation: 10.9 });
});

test("the cell of a list is split at its separators", async () => {
  const ask = await createAsk({
    "a.md":
      "# Countries\n\n| Country | Borders | Codes |\n|--|--|--|\n| Zornia | CHN, IND and NPL | 12; 14 |\n",
  });
  const spec = fieldsSpec({
    borders: { type: "array", items: { type: "string" } },
    codes: { type: "array", items: { type: "integer" } },
  });
  expect(jsonOf(await ask("Zornia", spec)).content).toEqual({
    borders: ["CHN", "IND", "NPL"],
    codes: [12, 14],
  });
});

test("a subject of the question without a record is named in a warning", async () => {
  const ask = await createAsk({
    "a.csv": "name,code\nBhutan,BT\nNepal,NP\n",
  });
  const record = { type: "object", properties: { name: text(), code: text() } };
  const result = await ask(
    "Codes of Bhutan and Mongolia",
    fieldsSpec({ countries: { type: "array", items: record } }),
  );
  expect(jsonOf(result).content).toEqual({ countries: [{ name: "Bhutan", code: "BT" }] });
  expect(result.warnings.map(({ message }) => message)).toContain(
    "Nothing fitting was found about Mongolia; left out of the list.",
  );
});

test("every processor fills the same values", async () => {
  const ask = await createAsk();
  const spec = fieldsSpec({ headquarters: text(), budget: { type: ["number", "null"] } });
  const contents = [];
  for (const processor of ["lite", "core", "ultra"])
    contents.push(jsonOf(await ask("NATO", { ...spec, processor })).content);
  expect(contents).toEqual([contents[0], contents[0], contents[0]]);
  expect(contents[0]).toEqual({ headquarters: "Brussels", budget: null });
});

test("an empty field cites the closest passage and names its id, so that an agent can read on", async () => {
  const ask = await createAsk({
    "a.md": "# Zorn\n\nThe mouth of the Zorn lies near Rohrwiller.\n",
  });
  const [entry] = jsonOf(await ask("Zorn", fieldsSpec({ mouth: text() }))).basis;
  expect(entry?.reasoning).toContain("(closest: p1.1)");
  expect(entry?.citations).toMatchObject([
    { title: "Zorn", excerpts: ["The mouth of the Zorn lies near Rohrwiller."] },
  ]);
});
