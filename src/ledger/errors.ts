import { errorMessage } from "../text/error-message.ts";

/** The ledger cannot be read or written at the moment: nothing was reserved, nothing is known. */
export class LedgerUnavailable extends Error {
  override readonly name = "LedgerUnavailable";

  constructor(options: { cause: unknown }) {
    const { cause } = options;
    super(`The record of started runs cannot be used: ${errorMessage(cause)}`, options);
  }
}

/** A cursor that no list has given. */
export class InvalidCursor extends Error {
  override readonly name = "InvalidCursor";

  constructor() {
    super("The cursor is not one of this list: use the nextCursor of an earlier page, unchanged");
  }
}
