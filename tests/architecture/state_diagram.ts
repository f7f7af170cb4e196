/**
 * Draws the table of transitions as the diagram in ARCHITECTURE.md. Run as a script, it puts the diagram there.
 *
 * @module
 */

import { readFileSync, writeFileSync } from "node:fs";
import { LIFE } from "../../lib/protocol/state.ts";

/** The document that has the diagram. */
const DOCUMENT = new URL("../../ARCHITECTURE.md", import.meta.url);

/** What may happen in any state that has a stream is not drawn each time. */
const ANY_TIME: readonly string[] = ["abort cut", "lost gone"];

/** Draws the diagram, in Mermaid's language. */
export function drawDiagram(): string {
  const lines = ["stateDiagram-v2", "  [*] --> open"];
  for (const { state, steps } of Object.values(LIFE)) {
    const drawn = ([step, next]: [string, string]) =>
      steps.abort === undefined || !ANY_TIME.includes(`${step} ${next}`);
    const moves = Object.entries(steps).filter(drawn);
    const targets = new Set(moves.map(([, next]) => next));
    for (const target of targets) {
      const ways = moves.filter(([, next]) => next === target).map(([step]) => step);
      lines.push(`  ${state} --> ${target}: ${ways.join(", ")}`);
    }
    if (moves.length === 0) lines.push(`  ${state} --> [*]`);
  }
  return lines.join("\n") + "\n";
}

/** Reads the diagram that ARCHITECTURE.md has. */
export function readDiagram(): string {
  return BLOCK.exec(readFileSync(DOCUMENT, "utf8"))?.[1] ?? "";
}

const BLOCK = /```mermaid\n([^`]*)```/;

if (import.meta.main) {
  const text = readFileSync(DOCUMENT, "utf8");
  writeFileSync(DOCUMENT, text.replace(BLOCK, () => "```mermaid\n" + drawDiagram() + "```"));
}
