import { describe, expect, it } from "vitest";
import { optionsText } from "./options-text.ts";

describe("optionsText", () => {
  it("counts long lists, and says the rest", () => {
    const options = {
      exclude: ["10.0.0.0/8", "11.0.0.0/8", "private"],
      families: ["ipv4"],
      to: { ipv4: "192.0.2.1", persistent: true },
      ports: "1-9",
      dropInvalid: true,
      sameSubnet: false,
    };
    expect(optionsText(options)).toBe(
      "exclude 3, families ipv4, to 192.0.2.1 persistent, ports 1-9, dropInvalid, sameSubnet false",
    );
    expect(optionsText({})).toBe("");
  });
});
