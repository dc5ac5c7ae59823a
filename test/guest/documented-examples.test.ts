// The examples of upstream's documentation that take a module which not every kernel has.

import { describeDocumentedExamples } from "../e2e/documented.ts";

describeDocumentedExamples(true);
