import type { Script } from "../../src/engine/executors/scripted/script.ts";

/** What a run that does not end says last. */
export const LAST_STEP = "Reading the annual report of Exotec";

export const CAPITAL_FIELDS = [
  { name: "capital", description: "official name" },
  { name: "population_millions", description: "of the country" },
  { name: "in_euro_area", description: "yes or no" },
];

export const CAPITALS = [
  { country: "France", capital: "Paris", population_millions: "68.4", in_euro_area: "yes" },
  { country: "Germany", capital: "Berlin", population_millions: "83.3", in_euro_area: "yes" },
  { country: "Italy", capital: "Rome", population_millions: "58.9", in_euro_area: "yes" },
  { country: "Spain", capital: "Madrid", population_millions: "48.4", in_euro_area: "yes" },
  { country: "Poland", capital: "Warsaw", population_millions: "36.7", in_euro_area: "no" },
  { country: "Sweden", capital: "Stockholm", population_millions: "10.5", in_euro_area: "no" },
  { country: "Austria", capital: "Vienna", population_millions: "9.1", in_euro_area: "yes" },
  { country: "Portugal", capital: "Lisbon", population_millions: "10.6", in_euro_area: "yes" },
  { country: "Denmark", capital: "Copenhagen", population_millions: "5.9", in_euro_area: "no" },
  { country: "Finland", capital: "Helsinki", population_millions: "5.6", in_euro_area: "yes" },
  { country: "Ireland", capital: "Dublin", population_millions: "5.3", in_euro_area: "yes" },
  { country: "Hungary", capital: "Budapest", population_millions: "9.6", in_euro_area: "no" },
];

/** Two of them fail and three do not end. */
export const FORECASTS = CAPITALS.map(
  ({ country }) => `What growth do forecasts expect for ${country} in 2027?`,
);

/** Runs as agents ask for them every day, in the words of docs/scripted-runs.md. */
export const TYPICAL_RUNS: Script = {
  runs: [
    {
      match: { input: "last raise money" },
      timeline: [
        { plan: "Find the latest funding round of Acme Robotics" },
        { search: "Acme Robotics funding round" },
        { stats: { progress: 35, considered: 24, read: 2 } },
        { tool_call: "Reading the press release of May 2026" },
        { stats: { progress: 80, considered: 24, read: 5 } },
        { result: "Two sources agree on the amount" },
      ],
      outcome: {
        status: "completed",
        text: "Acme Robotics last raised money in May 2026: a Series C of $120 million, led by Northwind Ventures with Contoso Capital. [1][2]",
        basis: [
          {
            reasoning: "The press release names date, amount and investors; a newspaper confirms.",
            confidence: "high",
            citations: [
              {
                url: "https://www.acmerobotics.example/news/series-c",
                title: "Acme Robotics raises $120M Series C",
                excerpts: [
                  "Acme Robotics today announced a $120 million Series C led by Northwind Ventures.",
                ],
              },
              {
                url: "https://www.dailyledger.example/2026/05/acme-series-c",
                title: "Warehouse robot maker Acme valued at $900m",
                excerpts: ["Contoso Capital also took part in the round."],
              },
            ],
          },
        ],
      },
    },
    {
      match: { input: "board meeting" },
      outcome: {
        status: "failed",
        message: "No source that can be read has these minutes; they are not public.",
      },
    },
    {
      match: { input: "market report" },
      outcome: { status: "completed", sections: 8, characters: 12_000, citations: 6 },
    },
    {
      match: { input: "/Patents|Compare/" },
      timeline: [
        { plan: "List the makers, then find the revenue of each" },
        { stats: { progress: 40, considered: 31, read: 9 } },
        { tool_call: LAST_STEP },
      ],
      outcome: { status: "stuck" },
    },
    {
      match: { input: "Acme Robotics" },
      outcome: {
        status: "completed",
        json: { founded: "2014", headquarters: "Lyon, France", employees: "about 640" },
        basis: [
          {
            field: "founded",
            reasoning: "The company's own history names the year.",
            confidence: "high",
            citations: [
              {
                url: "https://www.acmerobotics.example/about",
                title: "About Acme Robotics",
                excerpts: ["Founded in 2014 in a garage in Lyon"],
              },
            ],
          },
          {
            field: "headquarters",
            reasoning: "The address in the imprint.",
            confidence: "high",
            citations: [
              {
                url: "https://www.acmerobotics.example/imprint",
                title: "Imprint",
                excerpts: ["Acme Robotics SAS, 12 rue de la Part-Dieu, 69003 Lyon, France"],
              },
            ],
          },
          {
            field: "employees",
            reasoning: "A newspaper's figure of this year; the company publishes none.",
            confidence: "medium",
            citations: [
              {
                url: "https://www.dailyledger.example/2026/05/acme-series-c",
                title: "Warehouse robot maker Acme valued at $900m",
                excerpts: ["The company employs about 640 people."],
              },
            ],
          },
        ],
      },
    },
    {
      match: { input: "/growth.*(Poland|Hungary)/" },
      outcome: { status: "failed", message: "No forecast for 2027 was found." },
    },
    { match: { input: "/growth.*(Sweden|Denmark|Ireland)/" }, outcome: { status: "stuck" } },
    {
      match: { input: "growth" },
      outcome: { status: "completed", text: "About 1.4 %, by the autumn forecast. [1]" },
    },
    ...CAPITALS.map(({ country, ...json }) => ({
      match: { input: `"${country}"` },
      outcome: {
        status: "completed" as const,
        json,
        basis: Object.keys(json).map((field) => ({
          field,
          confidence: "high",
          citations: [
            {
              url: `https://european-union.example/countries/${country.toLowerCase()}`,
              title: `${country} – EU country profile`,
              excerpts: [`${country}: capital ${json.capital}`],
            },
          ],
        })),
      },
    })),
  ],
};
