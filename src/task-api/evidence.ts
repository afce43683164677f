import { z } from "zod";

// What a run has seen: an extension of our engine, `GET /v1/tasks/runs/{run_id}/evidence`.

/** A page that the run has seen, as it was then. */
export const PageOfRun = z.object({
  /** `p1`, within the run. */
  id: z.string(),
  title: z.string(),
  url: z.string(),
  /** `YYYY-MM-DD`. */
  published_on: z.string().nullable(),
  passage_count: z.number(),
});
export type PageOfRun = z.infer<typeof PageOfRun>;

/** A passage that the run has seen. */
export const PassageOfRun = z.object({
  /** `p1.4`: the fourth passage of page `p1`. */
  id: z.string(),
  page_id: z.string(),
  /** The path of headings above it; empty before the first one. */
  heading: z.string(),
  /** `p. 9`, `slide 3` or `line 120`; null where that says nothing. */
  place: z.string().nullable(),
  /** Where to look: the page, and the place in it where an address can name that. */
  url: z.string(),
  text: z.string(),
});
export type PassageOfRun = z.infer<typeof PassageOfRun>;

/** A heading of a page. */
export const HeadingOfPage = z.object({
  heading: z.string(),
  /** The first passage below it. */
  passage_id: z.string(),
  /** Whether this passage can be read: of a large page only what is near a hit is kept. */
  is_kept: z.boolean(),
});
export type HeadingOfPage = z.infer<typeof HeadingOfPage>;

/** A part of what a run has seen: its hits, a passage with its neighbours, or the outline of a page. */
export const RunEvidence = z.object({
  /** The pages that the other parts name. */
  pages: z.array(PageOfRun),
  /** Hits, best first; or a passage and its neighbours, in order. */
  passages: z.array(PassageOfRun),
  /** Of a page. */
  outline: z.array(HeadingOfPage),
  /** How many hits there are. */
  hits_total: z.number(),
  /** Of the hits; null when these are the last. */
  next_offset: z.number().nullable(),
  /** With the same `around`, these show what comes before and after a passage with its neighbours; null at the ends. */
  previous_passage_id: z.string().nullable(),
  next_passage_id: z.string().nullable(),
});
export type RunEvidence = z.infer<typeof RunEvidence>;
