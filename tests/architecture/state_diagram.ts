/**
 * Draws the table of transitions as the diagram in ARCHITECTURE.md. Run as a script, it puts the diagram there.
 *
 * @module
 */

import { readFileSync, writeFileSync } from "node:fs";
import { type State, TRANSITIONS } from "../../lib/protocol/state.ts";

/** The document that has the diagram. */
const DOCUMENT = new URL("../../ARCHITECTURE.md", import.meta.url);

/** Draws the diagram, in Mermaid's language. */
export function drawDiagram(): string {
  const lines = ["stateDiagram-v2", "  [*] --> open"];
  for (const [state, steps] of Object.entries(TRANSITIONS)) {
    const moves = Object.entries(steps).filter(([, next]) => next !== state);
    for (const [step, next] of moves) lines.push(`  ${state} --> ${next}: ${step}`);
    if (isLast(state as State)) lines.push(`  ${state} --> [*]`);
  }
  return lines.join("\n") + "\n";
}

/** Reads the diagram that ARCHITECTURE.md has. */
export function readDiagram(): string {
  return BLOCK.exec(readFileSync(DOCUMENT, "utf8"))?.[1] ?? "";
}

const BLOCK = /```mermaid\n([^`]*)```/;

function isLast(state: State): boolean {
  return Object.values(TRANSITIONS[state]).every((next) => next === state);
}

if (import.meta.main) {
  const text = readFileSync(DOCUMENT, "utf8");
  writeFileSync(DOCUMENT, text.replace(BLOCK, () => "```mermaid\n" + drawDiagram() + "```"));
}
