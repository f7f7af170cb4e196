/**
 * Draws charts as SVG that is readable on light and dark pages: panels side by side, with one logarithmic scale.
 *
 * @module
 */

import { LogScale } from "./log_scale.ts";
import type { Chart } from "./report.ts";

const WIDTH = 960;
const MARGIN = { left: 24, right: 24, top: 92, bottom: 56 };
const GAP = 28;
/** What a row of a chart with dots takes; a chart with lines has one height. */
const ROW = 30;
const LINES_HEIGHT = 220;
/** Room for the steps' names, or for the values'. */
const LABELS = { dots: 112, lines: 48 };

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #57606a }
  .title { font-size: 17px; font-weight: 600; fill: #1f2328 }
  .panel { font-weight: 600; fill: #1f2328 }
  .page { fill: #ffffff; stroke: #d0d7de }
  .grid { stroke: #d8dee4 }
  .s0 { --colour: #0969da } .s1 { --colour: #cf6a00 } .s2 { --colour: #8c959f }
  .mark { fill: var(--colour) }
  .line { fill: none; stroke: var(--colour); stroke-width: 2.5 }
  @media (prefers-color-scheme: dark) {
    text { fill: #9198a1 }
    .title, .panel { fill: #f0f6fc }
    .page { fill: #0d1117; stroke: #3d444d }
    .grid { stroke: #2a313c }
    .s0 { --colour: #58a6ff } .s1 { --colour: #f0883e } .s2 { --colour: #7d8590 }
  }`;

type Panel = Chart["panels"][number];

/** Where a panel's marks go, in pixels. */
interface Area {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Draws a chart. */
export function drawChart(chart: Chart): string {
  const { title, unit, kind, panels, steps } = chart;
  const plotHeight = kind === "dots" ? ROW * steps.length : LINES_HEIGHT;
  const height = MARGIN.top + plotHeight + MARGIN.bottom;
  const values = panels.flatMap(({ series }) => series.flatMap(({ values }) => values));
  const scale = new LogScale(values.filter((value) => value !== null));
  const left = MARGIN.left + LABELS[kind];
  const width = (WIDTH - left - MARGIN.right - GAP * (panels.length - 1)) / panels.length;
  const draw = kind === "dots" ? drawDots : drawLines;
  const parts = panels.map((panel, i) => {
    const area = { left: left + i * (width + GAP), top: MARGIN.top, width, height: plotHeight };
    return text(area.left, area.top - 16, panel.title, "panel") + draw(panel, steps, area, scale, i === 0);
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img">`,
    `<title>${escape(title)}</title>`,
    `<style>${STYLE}\n</style>`,
    `<rect class="page" x="0.5" y="0.5" width="${WIDTH - 1}" height="${height - 1}" rx="8"/>`,
    text(MARGIN.left, 34, `${title}, ${unit}`, "title"),
    drawLegend(panels[0]!),
    ...parts,
    "</svg>\n",
  ].join("\n");
}

/** Draws a row for each step, its values to the right. */
function drawDots(
  panel: Panel,
  steps: readonly string[],
  area: Area,
  scale: LogScale,
  first: boolean,
): string {
  const bottom = area.top + area.height;
  const x = (value: number) => area.left + scale.at(value) * area.width;
  const y = (step: number) => area.top + (step + 0.5) * ROW;
  const grid = scale.ticks().map((tick) =>
    line(x(tick), area.top, x(tick), bottom) + text(x(tick), bottom + 20, shortNumber(tick), "", "middle")
  );
  const rows = steps.map((step, i) =>
    line(area.left, y(i), area.left + area.width, y(i)) +
    (first ? text(area.left - 12, y(i) + 4, step, "", "end") : "")
  );
  // The first series is the one that matters: it lies on top.
  const dots = panel.series.map(({ values }, s) =>
    values.map((value, i) => value === null ? "" : dot(x(value), y(i), s)).join("")
  ).toReversed();
  return [...grid, ...rows, ...dots].join("");
}

/** Draws a line for each series, its values upwards. */
function drawLines(
  panel: Panel,
  steps: readonly string[],
  area: Area,
  scale: LogScale,
  first: boolean,
): string {
  const bottom = area.top + area.height;
  const x = (step: number) => area.left + (step + 0.5) * area.width / steps.length;
  const y = (value: number) => bottom - scale.at(value) * area.height;
  const grid = scale.ticks().map((tick) =>
    line(area.left, y(tick), area.left + area.width, y(tick)) +
    (first ? text(area.left - 10, y(tick) + 4, shortNumber(tick), "", "end") : "")
  );
  const names = steps.map((step, i) => text(x(i), bottom + 22, step, "", "middle"));
  const lines = panel.series.map(({ values }, s) => {
    const points = values.flatMap((value, i) => value === null ? [] : [[x(i), y(value)] as const]);
    const path = points.map(([x, y]) => `${round(x)},${round(y)}`).join(" ");
    return `<polyline class="line s${s}" points="${path}"/>` + points.map(([x, y]) => dot(x, y, s)).join("");
  }).toReversed();
  return [...grid, ...names, ...lines].join("");
}

function drawLegend({ series }: Panel): string {
  return series.map(({ name }, s) => {
    const left = WIDTH - MARGIN.right - 100 * (series.length - s);
    return dot(left, 29, s) + text(left + 12, 34, name);
  }).join("");
}

function text(x: number, y: number, content: string, style = "", anchor = "start"): string {
  const attributes = (style && ` class="${style}"`) + (anchor === "start" ? "" : ` text-anchor="${anchor}"`);
  return `<text x="${round(x)}" y="${round(y)}"${attributes}>${escape(content)}</text>`;
}

function line(x1: number, y1: number, x2: number, y2: number): string {
  return `<line class="grid" x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}"/>`;
}

function dot(x: number, y: number, series: number): string {
  return `<circle class="mark s${series}" cx="${round(x)}" cy="${round(y)}" r="5"/>`;
}

const round = (value: number): string => String(Math.round(value * 10) / 10);

const escape = (content: string): string => content.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

/** Writes a power of ten: `10`, `100k`, `1M`. */
function shortNumber(value: number): string {
  return new Intl.NumberFormat("en", { notation: "compact" }).format(value);
}
