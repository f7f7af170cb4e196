/**
 * Reads a source file as code: without its comments, and with its strings set aside.
 *
 * @module
 */
import { globSync, readFileSync } from "node:fs";
import { join, posix, resolve } from "node:path";

/** The folder that holds `mod.ts`. */
export const root: string = resolve(import.meta.dirname, "../..");

/** One `import` or `export … from`. */
export interface Import {
  readonly specifier: string;
  /** The path from the root if the specifier is relative, else the specifier. */
  readonly target: string;
  /** Whether it is erased: `import type`, `export type`. */
  readonly typeOnly: boolean;
  readonly names: readonly string[];
}

/** A source file, read. */
export interface Source {
  readonly path: string;
  readonly text: string;
  /** The text without comments; each string, template part and regular expression is a number in quotes. */
  readonly code: string;
  /** What those numbers stand for. */
  readonly strings: readonly string[];
  readonly imports: readonly Import[];
}

/** Reads every file in `lib/`, and `mod.ts`. */
export function readSources(): Source[] {
  const paths = globSync(["mod.ts", "lib/**/*.ts"], { cwd: root }).sort();
  return paths.map((path) => parse(path, readFileSync(join(root, path), "utf8")));
}

/** Reads a text as the source file at `path`. */
export function parse(path: string, text: string): Source {
  const { code, strings } = strip(text);
  return { path, text, code, strings, imports: findImports(path, code, strings) };
}

const COMMENT = /\/\/.*|\/\*[^]*?\*\//y;
const STRING = /"(?:\\[^]|[^"\\])*"|'(?:\\[^]|[^'\\])*'/y;
const TEMPLATE_PART = /((?:\\[^]|\$(?!\{)|[^`\\$])*)(`|\$\{)/y;
const REGEXP = /\/(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\[\n])+\/\w*/y;
/** Where a `/` begins a regular expression: an operand cannot be followed by one. */
const BEFORE_REGEXP =
  /(?:^|[(,=:[!&|?{};+*%~^<>-]|\b(?:return|typeof|case|in|of|void|throw|await|yield))\s*$/;

/** Takes comments out of a text and sets its strings, template parts and regular expressions aside. */
export function strip(text: string): { code: string; strings: string[] } {
  const strings: string[] = [];
  const braces: ("block" | "template")[] = []; // what each `}` to come will end
  let code = "";
  let at = 0;
  const take = (pattern: RegExp): RegExpExecArray | null => {
    pattern.lastIndex = at;
    const match = pattern.exec(text);
    if (match !== null) at = pattern.lastIndex;
    return match;
  };
  const setAside = (string: string) => code += `"${strings.push(string) - 1}"`;
  const takeTemplatePart = () => {
    const [, part, end] = take(TEMPLATE_PART)!;
    setAside(part!);
    if (end === "`") return;
    braces.push("template");
    code += end;
  };
  while (at < text.length) {
    const comment = take(COMMENT);
    if (comment !== null) {
      code += comment[0].includes("\n") ? "\n" : " ";
      continue;
    }
    const string = take(STRING) ?? (BEFORE_REGEXP.test(code.slice(-20)) ? take(REGEXP) : null);
    if (string !== null) {
      setAside(string[0].replace(/^["']|["']$/g, ""));
      continue;
    }
    const char = text[at++]!;
    if (char !== "`") code += char;
    if (char === "`") takeTemplatePart();
    else if (char === "{") braces.push("block");
    else if (char === "}" && braces.pop() === "template") takeTemplatePart();
  }
  return { code, strings };
}

const STATEMENT = /\b(?:import|export)(\s+type)?\s+(?:([\w\s{},*$]+?)\s+from\s+)?"(\d+)"/g;
const EXPRESSION = /\bimport(\b)(\b)\s*\(\s*"(\d+)"/g; // empty groups, for the same order

function findImports(path: string, code: string, strings: readonly string[]): Import[] {
  return [STATEMENT, EXPRESSION].flatMap((pattern) =>
    [...code.matchAll(pattern)].map(([, type, clause = "", index]) => {
      const specifier = strings[Number(index)]!;
      return {
        specifier,
        target: specifier.startsWith(".") ? posix.join(posix.dirname(path), specifier) : specifier,
        typeOnly: Boolean(type),
        names: clause.replace(/[{}]/g, "").split(",").map((name) => name.trim()).filter((name) =>
          name !== ""
        ),
      };
    })
  );
}
