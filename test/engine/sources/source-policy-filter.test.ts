import { describe, expect, test } from "vitest";
import { isAllowedSource } from "../../../src/engine/sources/source-policy-filter.ts";

const source = (url: string, publishedOn: string | null = null) => ({ url, publishedOn });
const page = source("https://data.worldbank.org/indicator/GDP?locations=FR");

test("without a policy everything is allowed", () => {
  expect(isAllowedSource(page, null)).toBe(true);
  expect(isAllowedSource(page, undefined)).toBe(true);
  expect(isAllowedSource(source("file:///tmp/a.md"), {})).toBe(true);
});

describe("include_domains", () => {
  test.each([
    ["worldbank.org", true],
    ["data.worldbank.org", true],
    ["WorldBank.ORG", true],
    ["www.worldbank.org", true],
    [".org", true],
    [".gov", false],
    ["bank.org", false],
    ["other.worldbank.org", false],
    ["worldbank.org/indicator", true],
    ["worldbank.org/indic", false],
    ["worldbank.org/Indicator", false],
  ])("%s: %s", (domain, isAllowed) => {
    expect(isAllowedSource(page, { include_domains: [domain] })).toBe(isAllowed);
    expect(isAllowedSource(page, { exclude_domains: [domain] })).toBe(!isAllowed);
  });

  test("a suffix of two parts covers the domains below it", () => {
    expect(
      isAllowedSource(source("https://www.ons.gov.uk/a"), { include_domains: [".gov.uk"] }),
    ).toBe(true);
    expect(
      isAllowedSource(source("https://gov.uk.example.com/"), { include_domains: [".gov.uk"] }),
    ).toBe(false);
  });

  test("a file is on no domain", () => {
    expect(isAllowedSource(source("file:///tmp/a.md"), { include_domains: ["example.org"] })).toBe(
      false,
    );
    expect(isAllowedSource(source("file:///tmp/a.md"), { exclude_domains: ["example.org"] })).toBe(
      true,
    );
  });

  test("makes exclude_domains void", () => {
    const policy = { include_domains: ["worldbank.org"], exclude_domains: ["data.worldbank.org"] };
    expect(isAllowedSource(page, policy)).toBe(true);
  });
});

test.each([
  ["2024-01-02", true],
  ["2024-01-01", true],
  ["2023-12-31", false],
  [null, false],
])("after_date 2024-01-01 and a source of %s: %s", (publishedOn, isAllowed) => {
  const policy = { after_date: "2024-01-01" };
  expect(isAllowedSource(source("https://example.org", publishedOn), policy)).toBe(isAllowed);
});

describe("a document of a folder", () => {
  const place = { folder: "/srv/Docs", path: "handbook/Leave rules.md" };
  const document = { ...source("file:///srv/Docs/handbook/Leave%20rules.md"), place };
  test.each([
    ["handbook", true],
    ["handbook/", true],
    ["./handbook", true],
    ["Handbook/leave RULES.md", true],
    ["handbook/leave", false],
    ["hand", false],
    ["leave rules.md", false],
    ["docs", true],
    ["docs/handbook", true],
    ["/srv/Docs/handbook/", true],
    ["/srv/docs", true],
    ["/srv/other", false],
    ["file:///srv/Docs/handbook/Leave%20rules.md", true],
    ["file:///srv/Docs/handbook", true],
    ["file://elsewhere/%zz", false],
    ["\\handbook", true],
    ["/handbook/", true],
    ["docs/old/../handbook", true],
    ["../handbook", false],
    ["handbook/..", true],
    [".\\handbook\\Leave rules.md", true],
    ["./", true],
    ["example.org", false],
  ])("%s: %s", (entry, isAllowed) => {
    expect(isAllowedSource(document, { include_domains: [entry] })).toBe(isAllowed);
    expect(isAllowedSource(document, { exclude_domains: [entry] })).toBe(!isAllowed);
  });

  test("with a web address is on its domain too", () => {
    const published = { ...page, place };
    for (const entry of ["worldbank.org", "handbook/"]) {
      expect(isAllowedSource(published, { include_domains: [entry] })).toBe(true);
    }
  });
});
