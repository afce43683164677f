import { z } from "zod";
import { asText, lenient, orElse } from "./lenient.ts";
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
  type: orElse(z.string(), () => ""),
  loc: orElse(z.array(z.union([z.string(), z.number()])), () => []),
  msg: orElse(z.string(), asText),
});
export type ValidationProblem = z.infer<typeof ValidationProblem>;

/** The content of an error answer, in whichever of the known body formats. */
export interface ErrorAnswer {
  /** False for a page or another JSON, which a firewall, proxy or gateway wrote: it says nothing about runs and keys. */
  isTaskApi: boolean;
  message: string | null;
  refId: string | null;
  problems: ValidationProblem[];
}

const EnvelopedError = lenient(
  z.looseObject({
    error: z.looseObject({
      message: orElse(z.string(), asText).nullish(),
      ref_id: orElse(z.string(), asText).nullish(),
      detail: z.looseObject({ errors: z.array(ValidationProblem).nullish() }).nullish(),
    }),
  }),
);
/** A 422 of the hosted group endpoints. Source: Task API, "Body formats" (b). */
export const ValidationList = z.looseObject({ detail: z.array(ValidationProblem) });
export type ValidationList = z.infer<typeof ValidationList>;
const AnyValidationList = lenient(ValidationList);
const PlainDetail = z.looseObject({ detail: z.string() });

/** The web framework's texts for an unknown route or method; the Task API's own errors have other texts. */
const ROUTE_WORDS: ReadonlySet<string> = new Set(["Not Found", "Method Not Allowed"]);

/**
 * Reads an error body leniently: the API's own, the same without `type` or `ref_id`, the validation list of the group
 * endpoints, a plain `detail`; anything else (HTML of a gateway, nothing) yields no message.
 */
export function readErrorBody(body: unknown): ErrorAnswer {
  const enveloped = EnvelopedError.safeParse(body);
  if (enveloped.success) {
    const { type, error } = enveloped.data;
    const { message, ref_id, detail } = error;
    return {
      // Other APIs have an `error` with a `message` too, but with a `code`.
      isTaskApi:
        type === "error" ||
        typeof ref_id === "string" ||
        (typeof message === "string" && !("code" in error)),
      message: message ?? null,
      refId: ref_id ?? null,
      problems: detail?.errors ?? [],
    };
  }
  const list = AnyValidationList.safeParse(body);
  if (list.success) {
    const problems = list.data.detail;
    const message = problems.map((p) => `${p.loc.join(".")}: ${p.msg}`).join("; ");
    return { isTaskApi: problems.length > 0, message, refId: null, problems };
  }
  const plain = PlainDetail.safeParse(body);
  const message = plain.success ? plain.data.detail : null;
  const isTaskApi = message !== null && !ROUTE_WORDS.has(message);
  return { isTaskApi, message, refId: null, problems: [] };
}
