import { test } from "node:test";
import { assertEquals, assertStringIncludes } from "#std/assert";
import { drawDiagram, readDiagram } from "./state_diagram.ts";

test("the diagram in ARCHITECTURE.md is that of the table; `npm run diagram` draws it anew", () => {
  assertStringIncludes(drawDiagram(), "open --> closeSent: sendClose");
  assertEquals(readDiagram(), drawDiagram());
});
