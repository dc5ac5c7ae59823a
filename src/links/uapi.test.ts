import { expect, it } from "vitest";
import { prefixed, wrongConstants } from "../../test/support/c-constants.ts";
import * as uapi from "./uapi.ts";

it("every number is that of the system's headers", () => {
  const { IFF, ...requests } = uapi;
  const constants = [...prefixed({ IFF }), ...Object.entries(requests)];
  expect(wrongConstants(["linux/ioctl.h", "linux/if_tun.h"], constants)).toEqual([]);
  expect(constants).toHaveLength(9);
});
