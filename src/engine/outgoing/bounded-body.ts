/**
 * The body, up to `maxBytes`; the reader that asks for more gets the error of `tooLarge`, and the source is cancelled.
 * `explain` turns the source's own errors into ours. `onEnd` is called once, however reading ends.
 */
export function boundBody(
  source: ReadableStream<Uint8Array>,
  {
    maxBytes,
    tooLarge,
    explain,
    onEnd,
  }: {
    maxBytes: number;
    tooLarge(): Error;
    explain(error: unknown): unknown;
    onEnd(): void;
  },
): ReadableStream<Uint8Array> {
  const reader = source.getReader();
  let bytes = 0;

  async function readNext(): Promise<Uint8Array | null> {
    const { done, value } = await reader.read();
    if (done) return null;
    bytes += value.byteLength;
    if (bytes <= maxBytes) return value;
    await reader.cancel();
    throw tooLarge();
  }

  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const chunk = await readNext();
          if (chunk !== null) return controller.enqueue(chunk);
          onEnd();
          controller.close();
        } catch (error) {
          onEnd();
          controller.error(explain(error));
        }
      },
      async cancel(reason) {
        onEnd();
        await reader.cancel(reason);
      },
    },
    // Nothing is read ahead of the one who counts.
    { highWaterMark: 0 },
  );
}
