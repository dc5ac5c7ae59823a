// The life of an attachment of every plugin whose kind of link this kernel is sure to have.

import { PLUGINS } from "../../src/plugins/all.ts";
import { CASES } from "../conformance/cases.ts";
import { companion } from "../conformance/chained-example.ts";
import { runLives } from "../conformance/lives.ts";

runLives([...PLUGINS.filter(({ name }) => CASES[name]?.module === undefined), companion]);
