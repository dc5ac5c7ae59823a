// nf_tables without a kernel, for unit tests: a transport that answers the netlink messages of our Nftables as the kernel does,
// and can print its rule set as nft would. test/kernel/fake-nftables.test.ts holds it against the kernel.

import { Connection } from "../../../src/netlink/connection.ts";
import { type Message, readMessages } from "../../../src/netlink/message.ts";
import { readReply } from "../../../src/netlink/nfnetlink.ts";
import type { Transport } from "../../../src/netlink/transport.ts";
import { NLM_F } from "../../../src/netlink/uapi.ts";
import { Nftables } from "../../../src/nftables/nftables.ts";
import { NFNL_MSG, NFT_DATA_VERDICT, NFT_MSG } from "../../../src/nftables/uapi.ts";
import { errno } from "../../../src/sys/errno.ts";
import type { Codec } from "../../../src/wire/codec.ts";
import { ack, done, message } from "../fake-kernel.ts";
import {
  chainFlags,
  chainUse,
  type FakeChain,
  type FakeTable,
  keyOf,
  type Modifiers,
  Refusal,
  Ruleset,
  tableUse,
} from "./ruleset.ts";
import { rulesetText } from "./text.ts";
import { payloadOf, wireBatch, wireChain, wireElements, wireGeneration, wireRule, wireSet, wireTable } from "./wire.ts";

const SUBSYSTEM = 10 << 8; // NFNL_SUBSYS_NFTABLES
const VERDICT_SIZE = 16; // sizeof(struct nft_verdict)

/** An answer to a question: the type of its message, and what that carries. */
interface Answer {
  readonly type: number;
  readonly payload: Uint8Array;
}

export class FakeNftables implements Transport {
  #ruleset = new Ruleset();
  #generation = 1;
  readonly #queue: Uint8Array[] = [];
  /** The operations of each transaction that took effect, by the numbers of their messages (NFT_MSG). */
  readonly transactions: number[][] = [];
  /** Called before each datagram is looked at: for what others do in between. */
  before: (() => void) | undefined;

  /** A socket to this rule set. */
  open(): Nftables {
    return new Nftables(new Connection(this));
  }

  /** The rule set, as `nft list ruleset` prints it; elements in the order of their keys. */
  text(): string {
    return rulesetText(this.#ruleset);
  }

  send(datagram: Uint8Array): void {
    const messages = readMessages(datagram.slice());
    const { before } = this;
    this.before = undefined;
    before?.();
    if (messages[0]?.type === NFNL_MSG.BATCH_BEGIN) this.#batch(messages);
    else for (const one of messages) this.#question(one);
  }

  receive(wait: boolean): Uint8Array | undefined {
    const next = this.#queue.shift();
    if (next === undefined && wait) throw new Error("waited for a reply that never comes");
    return next;
  }

  close(): void {}

  /** All or nothing; errors are told of every command that was refused. */
  #batch([begin, ...rest]: readonly Message[]): void {
    if (begin === undefined) return;
    const { generation } = readReply(begin, "batch", wireBatch).attributes;
    if (generation !== undefined && generation !== this.#generation) {
      this.#queue.push(ack(begin, errno("ERESTART")));
      return;
    }
    const isCommitted = rest.at(-1)?.type === NFNL_MSG.BATCH_END;
    const commands = isCommitted ? rest.slice(0, -1) : rest;
    const next = this.#ruleset.copy();
    let isRefused = false;
    for (const command of commands) {
      try {
        change(next, command);
        if ((command.flags & NLM_F.ACK) !== 0) this.#queue.push(ack(command));
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        isRefused = true;
        this.#queue.push(ack(command, error.errno));
      }
    }
    if (isRefused || !isCommitted) return;
    this.#ruleset = next;
    this.#generation++;
    this.transactions.push(commands.map(({ type }) => type & 0xff));
  }

  #question(question: Message): void {
    if (question.type >> 8 !== SUBSYSTEM >> 8) {
      this.#queue.push(ack(question, errno("EINVAL"))); // no connection tracking here
      return;
    }
    const isDump = (question.flags & NLM_F.DUMP) === NLM_F.DUMP;
    try {
      const answers = this.#answers(question, isDump);
      const flags = isDump ? NLM_F.MULTI : 0;
      for (const { type, payload } of answers) {
        this.#queue.push(message({ type: SUBSYSTEM | type, flags, sequence: question.sequence, payload }));
      }
      if (isDump) this.#queue.push(done(question));
      else if ((question.flags & NLM_F.ACK) !== 0) this.#queue.push(ack(question));
    } catch (error) {
      if (!(error instanceof Refusal)) throw error;
      this.#queue.push(isDump ? done(question, error.errno) : ack(question, error.errno));
    }
  }

  #answers(question: Message, isDump: boolean): Answer[] {
    switch (question.type & 0xff) {
      case NFT_MSG.GETGEN:
        return [{ type: NFT_MSG.NEWGEN, payload: payloadOf(0, wireGeneration, { id: this.#generation }) }];
      case NFT_MSG.GETTABLE: {
        const { family, attributes } = readReply(question, "table", wireTable);
        const tables = isDump ? this.#tables(family) : [this.#ruleset.table(family, attributes.name)];
        return tables.map(tableAnswer);
      }
      case NFT_MSG.GETCHAIN: {
        const { family, attributes } = readReply(question, "chain", wireChain);
        if (!isDump) {
          const chain = this.#ruleset.chain(family, attributes.table, attributes.name);
          return [chainAnswer(this.#ruleset.table(family, attributes.table), chain)];
        }
        // The kernel's dump of chains goes by family alone.
        return this.#tables(family).flatMap((table) =>
          [...table.chains.values()].map((one) => chainAnswer(table, one)),
        );
      }
      case NFT_MSG.GETRULE:
        return this.#rules(question);
      case NFT_MSG.GETSET: {
        const { family, attributes } = readReply(question, "set", wireSet);
        const sets = isDump
          ? this.#tables(family)
              .filter(({ name }) => attributes.table === undefined || name === attributes.table)
              .flatMap((table) => [...table.sets.values()].map((set) => ({ table, set })))
          : [
              {
                table: this.#ruleset.table(family, attributes.table),
                set: this.#ruleset.set(family, attributes.table, attributes.name),
              },
            ];
        return sets.map(({ table, set: { spec, handle } }) => {
          const dataLength = spec.dataType === NFT_DATA_VERDICT ? VERDICT_SIZE : spec.dataLength;
          return answer(NFT_MSG.NEWSET, table.family, wireSet, { ...spec, dataLength, handle });
        });
      }
      case NFT_MSG.GETSETELEM:
        return this.#elements(question, isDump);
      default:
        throw new Refusal("EINVAL");
    }
  }

  #tables(family: number): FakeTable[] {
    return [...this.#ruleset.tables.values()].filter((table) => family === 0 || table.family === family);
  }

  #rules(question: Message): Answer[] {
    const { family, attributes } = readReply(question, "rule", wireRule);
    const { table: tableName, chain: chainName } = attributes;
    const tables = this.#tables(family).filter(({ name }) => tableName === undefined || name === tableName);
    return tables.flatMap((table) =>
      [...table.chains.values()]
        .filter(({ spec }) => chainName === undefined || spec.name === chainName)
        .flatMap(({ spec, rules }) =>
          rules.map(({ handle, expressions, userdata }) =>
            answer(NFT_MSG.NEWRULE, table.family, wireRule, {
              table: table.name,
              chain: spec.name,
              handle,
              expressions: [...expressions],
              userdata,
            }),
          ),
        ),
    );
  }

  #elements(question: Message, isDump: boolean): Answer[] {
    const { family, attributes } = readReply(question, "elements", wireElements);
    const { table, set: name, elements: wanted = [] } = attributes;
    const set = this.#ruleset.set(family, table, name);
    const found = isDump ? [...set.elements.values()] : wanted.map((one) => set.elements.get(keyOf(one)));
    return found.map((one) => {
      if (one === undefined) throw new Refusal("ENOENT");
      return answer(NFT_MSG.NEWSETELEM, family, wireElements, { table, set: name, elements: [one] });
    });
  }
}

function answer<A>(type: number, family: number, codec: Codec<A>, values: A): Answer {
  return { type, payload: payloadOf(family, codec, values) };
}

function tableAnswer(table: FakeTable): Answer {
  const { family, name, flags, handle, userdata } = table;
  return answer(NFT_MSG.NEWTABLE, family, wireTable, { name, flags, use: tableUse(table), handle, userdata });
}

function chainAnswer(table: FakeTable, chain: FakeChain): Answer {
  const { spec, handle, policy } = chain;
  const flags = chainFlags(chain) === 0 ? undefined : chainFlags(chain);
  const use = chainUse(table, chain);
  return answer(NFT_MSG.NEWCHAIN, table.family, wireChain, { ...spec, handle, policy, use, flags });
}

/** What a command of a transaction is about: its family and attributes. */
function read<A>(command: Message, codec: Codec<A>): [family: number, attributes: A] {
  const { family, attributes } = readReply({ ...command, payload: command.payload.slice() }, "command", codec);
  return [family, attributes];
}

/** By the number of its message, what a command does. */
const CHANGES: Readonly<Record<number, (ruleset: Ruleset, command: Message, how: Modifiers) => void>> = {
  [NFT_MSG.NEWTABLE]: (ruleset, command, how) => ruleset.newTable(...read(command, wireTable), how),
  [NFT_MSG.DELTABLE]: (ruleset, command, how) => ruleset.deleteTable(...read(command, wireTable), how),
  [NFT_MSG.NEWCHAIN]: (ruleset, command, how) => ruleset.newChain(...read(command, wireChain), how),
  [NFT_MSG.DELCHAIN]: (ruleset, command, how) => ruleset.deleteChain(...read(command, wireChain), how),
  [NFT_MSG.NEWRULE]: (ruleset, command, how) => ruleset.newRule(...read(command, wireRule), how),
  [NFT_MSG.DELRULE]: (ruleset, command) => ruleset.deleteRule(...read(command, wireRule)),
  [NFT_MSG.NEWSET]: (ruleset, command, how) => ruleset.newSet(...read(command, wireSet), how),
  [NFT_MSG.DELSET]: (ruleset, command, how) => ruleset.deleteSet(...read(command, wireSet), how),
  [NFT_MSG.NEWSETELEM]: (ruleset, command, how) => ruleset.newElements(...read(command, wireElements), how),
  [NFT_MSG.DELSETELEM]: (ruleset, command) => ruleset.deleteElements(...read(command, wireElements)),
};

/** Carries out one command of a transaction. */
function change(ruleset: Ruleset, command: Message): void {
  const { flags } = command;
  const carryOut = CHANGES[command.type & 0xff];
  if (carryOut === undefined) throw new Refusal("EINVAL");
  carryOut(ruleset, command, {
    exclusive: (flags & NLM_F.EXCL) !== 0,
    create: (flags & NLM_F.CREATE) !== 0,
    append: (flags & NLM_F.APPEND) !== 0,
    replace: (flags & NLM_F.REPLACE) !== 0,
    notRecursive: (flags & NLM_F.NONREC) !== 0,
  });
}
