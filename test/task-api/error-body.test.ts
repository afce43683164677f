import { describe, expect, it } from "vitest";
import { ErrorBody, readErrorBody } from "../../src/task-api/error-body.ts";

const nothing = { isTaskApi: false, message: null, refId: null, problems: [] };
const missing = { type: "missing", loc: ["body", "inputs"], msg: "Field required" };
const extra = {
  type: "extra_forbidden",
  loc: ["body", "inputs", 0, "x"],
  msg: "Not permitted",
  input: 1,
};

describe("an error body", () => {
  it("is read in the API's own format", () => {
    const body = {
      type: "error",
      error: { ref_id: "4f0c2b1a", message: "Run id not found", detail: null },
    };
    expect(readErrorBody(body)).toEqual({
      isTaskApi: true,
      message: "Run id not found",
      refId: "4f0c2b1a",
      problems: [],
    });
  });

  it("is read with the problems of a request inside it", () => {
    const error = {
      ref_id: "4f0c",
      message: "Request validation error.",
      detail: { errors: [extra] },
    };
    expect(readErrorBody({ type: "error", error })).toEqual({
      isTaskApi: true,
      message: "Request validation error.",
      refId: "4f0c",
      problems: [extra],
    });
  });

  it("is read as the validation list of the group endpoints", () => {
    expect(readErrorBody({ detail: [missing, extra] })).toEqual({
      isTaskApi: true,
      message: "body.inputs: Field required; body.inputs.0.x: Not permitted",
      refId: null,
      problems: [missing, extra],
    });
  });

  it("is read without type and ref_id, as the errors page shows it", () => {
    const body = { error: { message: "Quota exceeded", detail: "per minute" } };
    expect(readErrorBody(body)).toEqual({
      ...nothing,
      isTaskApi: true,
      message: "Quota exceeded",
    });
  });

  it("is read as the plain detail of an unknown route", () => {
    expect(readErrorBody({ detail: "Method Not Allowed" })).toEqual({
      ...nothing,
      message: "Method Not Allowed",
    });
  });

  it.each([
    ["a page of a gateway", "<html><body>502 Bad Gateway</body></html>"],
    ["nothing", undefined],
    ["null", null],
    ["an empty object", {}],
    ["a list", []],
    ["an error that is a string", { error: "no" }],
    ["a detail that is none of the known", { detail: { reason: "no" } }],
  ])("yields no message when it is %s", (_, body) => {
    expect(readErrorBody(body)).toEqual(nothing);
  });
});

describe("an error body is read field by field", () => {
  it.each([
    [{ error: { message: 17, ref_id: "4f0c" } }, "17", "4f0c", []],
    [{ error: { message: "No.", ref_id: 5, detail: [] } }, "No.", "5", []],
    [
      { error: { message: "No.", ref_id: "4f0c", detail: { errors: ["x", missing] } } },
      "No.",
      "4f0c",
      [missing],
    ],
    [
      { detail: [missing, null, { msg: "Bad." }] },
      "body.inputs: Field required; : Bad.",
      null,
      [missing, { type: "", loc: [], msg: "Bad." }],
    ],
  ])("%j", (body, message, refId, problems) => {
    expect(readErrorBody(body)).toEqual({ isTaskApi: true, message, refId, problems });
  });
});

describe("an error that another server wrote is recognised", () => {
  it.each([
    { error: { code: 403, message: "Forbidden", status: "PERMISSION_DENIED" } },
    { message: "Forbidden" },
    { error: "not found" },
    { detail: "Not Found" },
    { detail: [] },
  ])("%j", (body) => {
    expect(readErrorBody(body).isTaskApi).toBe(false);
  });
});

describe("the error body that our engine writes", () => {
  it("has exactly the documented members", () => {
    const body = {
      type: "error",
      error: { ref_id: "4f0c", message: "Run id not found", detail: { errors: [missing] } },
    };
    expect(ErrorBody.parse(body)).toEqual(body);
    expect(ErrorBody.safeParse({ ...body, stack: "at …" }).success).toBe(false);
    expect(ErrorBody.safeParse({ ...body, error: { message: "no id" } }).success).toBe(false);
  });

  it("is read back as it was meant", () => {
    const body = ErrorBody.parse({
      type: "error",
      error: { ref_id: "4f0c", message: "No.", detail: { errors: [missing] } },
    });
    expect(readErrorBody(body)).toEqual({
      isTaskApi: true,
      message: "No.",
      refId: "4f0c",
      problems: [missing],
    });
  });
});
