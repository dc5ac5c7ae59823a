import { expect, it } from "vitest";
import { answerWith, FakeKernel } from "../../test/support/fake-kernel.ts";
import { Connection } from "../netlink/connection.ts";
import { getNetnsId } from "./netns-id.ts";
import { RTM } from "./uapi.ts";

/** The kernel's answer: struct rtgenmsg, padded, and NETNSA_NSID. */
const answer = (id: number): Uint8Array =>
  Uint8Array.of(0, 0, 0, 0, 8, 0, 1, 0, ...new Uint8Array(Int32Array.of(id).buffer));

it("asks by the descriptor, and tells that the namespaces never met", () => {
  const kernel = new FakeKernel(
    answerWith(RTM.NEWNSID, () => [answer(7)]),
    answerWith(RTM.NEWNSID, () => [answer(-1)]),
  );
  const connection = new Connection(kernel);
  expect(getNetnsId(connection, 9)).toBe(7);
  expect(getNetnsId(connection, 9)).toBeUndefined();
  expect(Buffer.from(kernel.requests[0]?.payload ?? []).toString("hex")).toBe("000000000800030009000000");
});
