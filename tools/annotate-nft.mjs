// annotate-nft.mjs REQUEST [REPLY...] <strace-output
// Picks the messages of nf_tables and of connection tracking out of the output of `strace -e write=all -e read=all`, and
// prints them for test/golden: a comment, then the bytes of each attribute. REQUEST is `batch` for transactions, a type such
// as GETRULE, or `-` for none. REPLY is a type. The types of connection tracking are CT_NEW, CT_GET and CT_DELETE. Port ids
// are process ids, which differ from run to run: they are set to 0.

import { readFileSync } from "node:fs";

const TYPES =
  "NEWTABLE GETTABLE DELTABLE NEWCHAIN GETCHAIN DELCHAIN NEWRULE GETRULE DELRULE NEWSET GETSET DELSET NEWSETELEM \
GETSETELEM DELSETELEM NEWGEN GETGEN TRACE NEWOBJ GETOBJ DELOBJ".split(" ");
const CT_TYPES = ["CT_NEW", "CT_GET", "CT_DELETE"];
const CT_ATTRIBUTES =
  "TUPLE_ORIG TUPLE_REPLY STATUS PROTOINFO HELP NAT_SRC TIMEOUT MARK COUNTERS_ORIG COUNTERS_REPLY USE ID NAT_DST \
TUPLE_MASTER SEQ_ADJ_ORIG SEQ_ADJ_REPLY SECMARK ZONE SECCTX TIMESTAMP MARK_MASK LABELS LABELS_MASK SYNPROXY FILTER \
STATUS_MASK";
const ATTRIBUTES = {
  TABLE: "NAME FLAGS USE HANDLE PAD USERDATA OWNER",
  CHAIN: "TABLE HANDLE NAME HOOK POLICY USE TYPE COUNTERS PAD FLAGS ID USERDATA",
  RULE: "TABLE CHAIN HANDLE EXPRESSIONS COMPAT POSITION USERDATA PAD ID POSITION_ID CHAIN_ID",
  SET: "TABLE NAME FLAGS KEY_TYPE KEY_LEN DATA_TYPE DATA_LEN POLICY DESC ID TIMEOUT GC_INTERVAL USERDATA PAD OBJ_TYPE \
HANDLE EXPR EXPRESSIONS",
  SETELEM: "TABLE SET ELEMENTS SET_ID",
  GEN: "ID PROC_PID PROC_NAME",
  OBJ: "TABLE NAME TYPE DATA USE HANDLE PAD USERDATA",
};
const FLAGS = {
  REQUEST: 1,
  MULTI: 2,
  ACK: 4,
  ECHO: 8,
  "ROOT/REPLACE": 0x100,
  "MATCH/EXCL": 0x200,
  CREATE: 0x400,
  APPEND: 0x800,
};

/** The datagrams of the trace: the bytes of each, and whether it was sent or received. */
function datagrams(text) {
  const found = [];
  for (const line of text.split("\n")) {
    const call = /^\d+ +(sendmsg|sendto|recvmsg|recvfrom)\(/.exec(line);
    if (call) found.push({ sent: call[1].startsWith("send"), bytes: [] });
    const row = /^ \| [0-9a-f]{5,} {2}([0-9a-f ]{48,50}) /.exec(line);
    if (row)
      found.at(-1).bytes.push(
        ...row[1]
          .trim()
          .split(/ +/)
          .map((digits) => Number.parseInt(digits, 16)),
      );
  }
  return found.map(({ sent, bytes }) => ({ sent, bytes: Buffer.from(bytes) })).filter(({ bytes }) => bytes.length > 0);
}

function messages(bytes) {
  const found = [];
  for (let at = 0; at + 16 <= bytes.length; at += (bytes.readUInt32LE(at) + 3) & ~3) {
    found.push(bytes.subarray(at, at + ((bytes.readUInt32LE(at) + 3) & ~3)));
  }
  return found;
}

function typeName(message) {
  const type = message.readUInt16LE(4);
  if (type === 0x10) return "BATCH_BEGIN";
  if (type === 0x11) return "BATCH_END";
  if (type >> 8 === 1) return CT_TYPES[type & 0xff] ?? "?";
  return type >> 8 === 10 ? (TYPES[type & 0xff] ?? "?") : "?";
}

function rows(bytes) {
  const lines = [];
  for (let at = 0; at < bytes.length; at += 16)
    lines.push(
      bytes
        .subarray(at, at + 16)
        .toString("hex")
        .replace(/..(?!$)/g, "$& "),
    );
  return lines;
}

function attributes(bytes, name, depth) {
  const lines = [];
  for (let at = 0; at + 4 <= bytes.length; ) {
    const length = bytes.readUInt16LE(at);
    const type = bytes.readUInt16LE(at + 2);
    const end = at + ((length + 3) & ~3);
    lines.push(`# ${"  ".repeat(depth)}${name(type & 0x3fff)}`);
    if (type & 0x8000)
      lines.push(...rows(bytes.subarray(at, at + 4)), ...attributes(bytes.subarray(at + 4, end), String, depth + 1));
    else lines.push(...rows(bytes.subarray(at, end)));
    at = end;
  }
  return lines;
}

function annotate(message) {
  const type = typeName(message);
  const bits = message.readUInt16LE(6);
  const flags = Object.keys(FLAGS).filter((flag) => bits & FLAGS[flag]);
  const object = type.replace(/^(NEW|GET|DEL)/, "");
  const isFlow = CT_TYPES.includes(type);
  const names = (isFlow ? CT_ATTRIBUTES : (ATTRIBUTES[object] ?? "")).split(" ");
  const prefix = isFlow ? "CTA" : `NFTA_${object === "SETELEM" ? "SET_ELEM_LIST" : object}`;
  const name = (number) => (names[number - 1] ? `${prefix}_${names[number - 1]}` : number);
  const out = Buffer.from(message);
  out.writeUInt32LE(0, 12);
  return [
    `# ${type}, ${flags.join("|")}, sequence ${message.readUInt32LE(8)}`,
    ...rows(out.subarray(0, 16)),
    "# nfgenmsg",
    ...rows(out.subarray(16, 20)),
    ...attributes(out.subarray(20), name, 0),
  ].join("\n");
}

const [request, ...replies] = process.argv.slice(2);
const trace = readFileSync(0, "utf8");
// `-` is for nft monitor, which asks for what there is before it waits for events.
const begin = request === "-" ? trace.indexOf("pselect6(") : 0;
const sections = datagrams(trace.slice(begin)).flatMap(({ sent, bytes }) => {
  const wanted = sent ? (request === "batch" ? ["BATCH_BEGIN"] : [request]) : replies;
  const all = messages(bytes);
  if (!all.some((message) => wanted.includes(typeName(message)))) return [];
  const picked = sent && request === "batch" ? all : all.filter((message) => wanted.includes(typeName(message)));
  return [[sent ? "> request" : "< reply", ...picked.map(annotate)].join("\n")];
});
if (sections.length === 0) process.exit(1);
process.stdout.write(`${sections.join("\n\n")}\n`);
