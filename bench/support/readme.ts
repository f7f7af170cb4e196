/**
 * Puts figures into `bench/README.md`, between markers: `<!-- figures: echo -->` and `<!-- end -->`; some of them into
 * the project's README too.
 *
 * @module
 */

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { drawChart } from "./plot.ts";
import type { Report } from "./report.ts";
import { type Setting, settingText } from "./setting.ts";
import { summaryMarkdown } from "./summary.ts";
import { checksText, tableText } from "./table_text.ts";

const README = "bench/README.md";
const PROJECT_README = "README.md";
const CHARTS = "bench/charts";

/** What a whole run showed. */
export interface Figures {
  readonly setting: Setting;
  readonly reports: readonly Report[];
}

/** Draws the charts and writes what was found into both READMEs. */
export function writeReadme({ setting, reports }: Figures): void {
  let text = readFileSync(README, "utf8");
  for (const report of reports) text = replaceFigures(text, report.part, reportMarkdown(report));
  text = replaceFigures(text, "setting", settingText(setting));
  text = replaceFigures(text, "bounds", checksText(reports.flatMap(({ checks }) => checks)));
  writeFileSync(README, text);
  const project = readFileSync(PROJECT_README, "utf8");
  writeFileSync(PROJECT_README, replaceFigures(project, "summary", summaryMarkdown(setting, reports)));
  execFileSync("deno", ["fmt", "-q", README, PROJECT_README, ...writeCharts(reports, CHARTS)]);
}

/** Draws the charts into a folder; returns their paths. */
export function writeCharts(reports: readonly Report[], folder: string): string[] {
  mkdirSync(folder, { recursive: true });
  return reports.flatMap(({ charts }) => charts).map((chart) => {
    const path = `${folder}/${chart.name}.svg`;
    writeFileSync(path, drawChart(chart));
    return path;
  });
}

function reportMarkdown({ tables, charts }: Report): string {
  return [
    ...charts.map(({ name, title }) => `![${title}](charts/${name}.svg)`),
    ...tables.map((table) => (tables.length > 1 ? `${table.title}:\n\n` : "") + tableText(table)),
  ].join("\n\n");
}

/** Replaces what stands between a part's markers. Throws if they are not there. */
function replaceFigures(text: string, part: string, figures: string): string {
  const [start, end] = [`<!-- figures: ${part} -->`, "<!-- end -->"];
  const from = text.indexOf(start);
  const to = text.indexOf(end, from);
  if (from === -1 || to === -1) throw new Error(`Cannot write figures: there are no markers for ${part}`);
  return `${text.slice(0, from)}${start}\n\n${figures}\n\n${text.slice(to)}`;
}
