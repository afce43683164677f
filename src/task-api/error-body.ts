import { z } from "zod";
import { JsonObject } from "./task-spec.ts";

/** The API's error body, exactly as our engine writes it. Source: Task API, "Body formats" (a). */
export const ErrorBody = z.strictObject({
  type: z.literal("error"),
  error: z.strictObject({
    ref_id: z.string(),
    message: z.string(),
    detail: JsonObject.nullable(),
  }),
});
export type ErrorBody = z.infer<typeof ErrorBody>;

/** One problem of a request body, in the form the API uses inside `detail.errors`. */
export const ValidationProblem = z.looseObject({
  type: z.string(),
  loc: z.array(z.union([z.string(), z.number()])),
  msg: z.string(),
});
export type ValidationProblem = z.infer<typeof ValidationProblem>;

/** What a client learns from an error answer, whichever of the known body formats it had. */
export interface ErrorAnswer {
  message: string | null;
  refId: string | null;
  problems: ValidationProblem[];
}

const EnvelopedError = z.looseObject({
  error: z.looseObject({
    message: z.string().nullish(),
    ref_id: z.string().nullish(),
    detail: z
      .looseObject({ errors: z.array(ValidationProblem).nullish() })
      .nullish()
      .catch(null),
  }),
});
const ValidationList = z.looseObject({ detail: z.array(ValidationProblem) });
/** What the same web framework answers for an unknown route or method. */
const PlainDetail = z.looseObject({ detail: z.string() });

/**
 * Reads an error body leniently: the API's own, the same without `type` or `ref_id`, the validation list of the group
 * endpoints, a plain `detail`; anything else (HTML of a gateway, nothing) yields no message.
 */
export function readErrorBody(body: unknown): ErrorAnswer {
  const enveloped = EnvelopedError.safeParse(body);
  if (enveloped.success) {
    const { message, ref_id, detail } = enveloped.data.error;
    return { message: message ?? null, refId: ref_id ?? null, problems: detail?.errors ?? [] };
  }
  const list = ValidationList.safeParse(body);
  if (list.success) {
    const message = list.data.detail.map((p) => `${p.loc.join(".")}: ${p.msg}`).join("; ");
    return { message, refId: null, problems: list.data.detail };
  }
  const plain = PlainDetail.safeParse(body);
  return { message: plain.success ? plain.data.detail : null, refId: null, problems: [] };
}
