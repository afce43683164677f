import { z } from "zod";

/** A processor as the backend announces it. */
export const AnnouncedProcessor = z.looseObject({
  name: z.string(),
  /** US dollars per completed run. */
  price_usd: z.number().min(0).nullable(),
  /** How long a run usually takes, without its time in the queue; null where that is not known. */
  usual_seconds: z.looseObject({ from: z.number().min(0), to: z.number().min(0) }).nullable(),
});
export type AnnouncedProcessor = z.infer<typeof AnnouncedProcessor>;

/** Our engine's extension `GET /v1/tasks/processors`; the hosted API has no such endpoint. */
export const ProcessorList = z.looseObject({ processors: z.array(AnnouncedProcessor) });
export type ProcessorList = z.infer<typeof ProcessorList>;

/** The same as a client reads it: each processor on its own, so that an odd one does not lose the others. */
export const SentProcessors = ProcessorList.extend({ processors: z.array(z.unknown()) });
