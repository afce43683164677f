import { Agent, request } from "undici";
import { z } from "zod";
import { LruCache } from "../../runtime/lru-cache.ts";

/** An OpenAI-compatible endpoint that the operator configures; the address needs no guard against internal networks. */
export const EmbeddingEndpoint = z.object({
  url: z.url({ protocol: /^https?$/ }),
  model: z.string().min(1),
  apiKey: z.string().optional(),
});

/** Makes vectors of texts: close meanings have close directions. */
export interface Embedder {
  /** One vector per text. Throws {@link EmbeddingFailed}, and the reason of `signal`. */
  embed(texts: readonly string[], signal: AbortSignal): Promise<Float32Array[]>;
  close(): Promise<void>;
}

/** The endpoint gave no vectors; the message names its host alone, since the rest of an address may hold a secret. */
export class EmbeddingFailed extends Error {
  override readonly name = "EmbeddingFailed";
}

const TIMEOUT_MS = 10_000;
/** A batch of vectors of 4,096 numbers in JSON is about three megabytes. */
const MAX_ANSWER_BYTES = 16 * 1024 * 1024;
/** What Hugging Face's text-embeddings-inference accepts unless it is configured otherwise. */
const MAX_BATCH = 32;
/** Some ten megabytes of vectors. */
const MAX_KEPT_VECTORS = 2_000;

const EmbeddingAnswer = z.object({
  data: z.array(z.object({ index: z.number(), embedding: z.array(z.number()).min(1) })),
});

export function createEmbedder({
  url,
  model,
  apiKey,
}: z.output<typeof EmbeddingEndpoint>): Embedder {
  const address = new URL(url);
  const { host } = address;
  address.pathname = `${address.pathname.replace(/\/+$/, "")}/embeddings`;
  const dispatcher = new Agent({ maxResponseSize: MAX_ANSWER_BYTES });
  const vectors = new LruCache<string, Float32Array>(MAX_KEPT_VECTORS);

  async function post(input: readonly string[], signal: AbortSignal): Promise<string> {
    // `request` follows no redirect, so the key goes nowhere else.
    const { statusCode, body } = await request(address, {
      method: "POST",
      dispatcher,
      signal,
      headers: {
        "content-type": "application/json",
        ...(apiKey !== undefined && { authorization: `Bearer ${apiKey}` }),
      },
      body: JSON.stringify({ model, input }),
    });
    const text = await body.text();
    if (statusCode !== 200) throw new EmbeddingFailed(`${host} answered with status ${statusCode}`);
    return text;
  }

  async function fetchVectors(texts: readonly string[], runSignal: AbortSignal): Promise<void> {
    const timeout = AbortSignal.timeout(TIMEOUT_MS);
    try {
      const answer = await post(texts, AbortSignal.any([runSignal, timeout]));
      const { data } = EmbeddingAnswer.parse(JSON.parse(answer));
      const byIndex = new Map(data.map(({ index, embedding }) => [index, embedding]));
      for (const [index, text] of texts.entries()) {
        const vector = byIndex.get(index);
        if (vector === undefined) throw new EmbeddingFailed(`${host} left out a text`);
        vectors.set(text, Float32Array.from(vector));
      }
    } catch (error) {
      runSignal.throwIfAborted();
      if (error instanceof EmbeddingFailed) throw error;
      const code = error instanceof Error && "code" in error ? ` (${String(error.code)})` : "";
      const isUnreadable = error instanceof z.ZodError || error instanceof SyntaxError;
      throw new EmbeddingFailed(
        timeout.aborted
          ? `${host} did not answer within ${TIMEOUT_MS / 1_000} s`
          : isUnreadable
            ? `${host} sent no embeddings`
            : `${host} cannot be reached${code}`,
        { cause: error },
      );
    }
  }

  return {
    async embed(texts, signal) {
      const missing = [...new Set(texts)].filter((text) => !vectors.has(text));
      const batches = Array.from({ length: Math.ceil(missing.length / MAX_BATCH) }, (_, index) =>
        missing.slice(index * MAX_BATCH, (index + 1) * MAX_BATCH),
      );
      await Promise.all(batches.map((batch) => fetchVectors(batch, signal)));
      return texts.flatMap((text) => vectors.get(text) ?? []);
    },
    close: () => dispatcher.destroy(),
  };
}
