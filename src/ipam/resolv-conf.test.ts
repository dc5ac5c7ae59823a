import { describe, expect, it } from "vitest";
import { parseResolvConf } from "./resolv-conf.ts";

describe("parseResolvConf()", () => {
  it.each([
    [
      "all four keywords",
      "nameserver 10.1.0.1\nnameserver fd00::1\ndomain a.example\nsearch b.example c.example\noptions ndots:5 edns0\n",
      {
        nameservers: ["10.1.0.1", "fd00::1"],
        domain: "a.example",
        search: ["b.example", "c.example"],
        options: ["ndots:5", "edns0"],
      },
    ],
    [
      "several lines of a keyword: they add up, but for the domain",
      "domain a\ndomain b\nsearch a b\nsearch c\noptions x\noptions y\n",
      { domain: "b", search: ["a", "b", "c"], options: ["x", "y"] },
    ],
    [
      "comments, white space and lines without a value",
      "# nameserver 10.9.9.9\n; search x\n\n \t\n  nameserver\t10.1.0.1  \nnameserver\nsortlist 10.0.0.0\r\n",
      { nameservers: ["10.1.0.1"] },
    ],
    ["an empty file", "", {}],
  ])("reads %s", (_, text, expected) => {
    expect(parseResolvConf(text)).toEqual({ nameservers: [], domain: undefined, search: [], options: [], ...expected });
  });
});
