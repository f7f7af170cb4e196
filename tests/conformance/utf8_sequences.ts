/**
 * Octets that are UTF-8, and octets that only look like it: after Markus Kuhn's "UTF-8 decoder capability and stress
 * test", whose order and numbers the public list follows in its sections 6.5 to 6.23.
 *
 * @module
 */

/** Some octets, in hexadecimal, and whether they are a text. */
export interface Utf8Row {
  readonly hex: string;
  readonly valid: boolean;
}

/** The octets of one section. */
export interface Utf8Section {
  readonly section: string;
  readonly title: string;
  readonly rows: readonly Utf8Row[];
}

const good = (...list: string[]): Utf8Row[] => list.map((hex) => ({ hex, valid: true }));
const bad = (...list: string[]): Utf8Row[] => list.map((hex) => ({ hex, valid: false }));

const KOSME = "cebae1bdb9cf83cebcceb5";
const BORDERS = [2, 5, 7, 9, 11]; // where a character of it ends

const hexByte = (octet: number): string => octet.toString(16).padStart(2, "0");
const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, i) => from + i);

/** All first octets of one kind, each with a space behind it. */
const lonely = (from: number, to: number): string =>
  range(from, to).map((octet) => `${hexByte(octet)}20`).join("");

const INCOMPLETE = [
  "c0",
  "e080",
  "f08080",
  "f8808080",
  "fc80808080",
  "df",
  "efbf",
  "f7bfbf",
  "fbbfbfbf",
  "fdbfbfbfbf",
];

/** U+1FFFE, U+1FFFF, U+2FFFE and so on to U+10FFFF. */
const nonCharacters = range(1, 16).flatMap((plane) =>
  ["be", "bf"].map((last) => `${hexByte(0xf0 + (plane >> 2))}${hexByte(0x8f + ((plane & 3) << 4))}bf${last}`)
);

/** The sections in the order of their numbers. */
export const UTF8_SECTIONS: readonly Utf8Section[] = ([
  [
    "some text",
    good("68656c6c6f24776f726c64", "68656c6c6fc2a2776f726c64", "68656c6c6fe282ac776f726c64"),
    good("68656c6c6ff0a4ada2776f726c64", KOSME),
  ],
  [
    "the beginning of a text",
    range(1, KOSME.length / 2).flatMap((size) =>
      (BORDERS.includes(size) ? good : bad)(KOSME.slice(0, 2 * size))
    ),
  ],
  ["the first of its length", good("00", "c280", "e0a080", "f0908080")],
  ["the first of a length that is too long", bad("f888808080", "fc8480808080")],
  ["the last of its length", good("7f", "dfbf", "efbfbf", "f48fbfbf")],
  ["the last of a length that is too long", bad("f7bfbfbf", "fbbfbfbfbf", "fdbfbfbfbfbf")],
  ["a border", good("ed9fbf", "ee8080", "efbfbd", "f48fbfbf"), bad("f4908080")],
  [
    "stray continuation octets",
    bad("80", "bf", "80bf", "80bf80", "80bf80bf", "80bf80bf80", "80bf80bf80bf"),
    bad(range(0x80, 0xbf).map(hexByte).join("")),
  ],
  [
    "lonely first octets",
    bad(lonely(0xc0, 0xdf), lonely(0xe0, 0xef), lonely(0xf0, 0xf7), lonely(0xf8, 0xfb), lonely(0xfc, 0xfd)),
  ],
  ["a last octet missing", bad(...INCOMPLETE)],
  ["last octets missing in a row", bad(INCOMPLETE.join(""))],
  ["impossible octets", bad("fe", "ff", "fefeffff")],
  ["an overlong slash", bad("c0af", "e080af", "f08080af", "f8808080af", "fc80808080af")],
  ["the last overlong form", bad("c1bf", "e09fbf", "f08fbfbf", "f887bfbfbf", "fc83bfbfbfbf")],
  ["an overlong NUL", bad("c080", "e08080", "f0808080", "f880808080", "fc8080808080")],
  ["a surrogate", bad("eda080", "edadbf", "edae80", "edafbf", "edb080", "edbe80", "edbfbf")],
  [
    "a pair of surrogates",
    ["eda080", "edadbf", "edae80", "edafbf"].flatMap((high) => bad(`${high}edb080`, `${high}edbfbf`)),
  ],
  ["a non-character", good("efbfbe", "efbfbf", ...nonCharacters)],
  ["a special", good("efbfb9", "efbfba", "efbfbb", "efbfbc", "efbfbd", "efbfbe", "efbfbf")],
] as const).map(([title, ...rows], i) => ({ section: `6.${5 + i}`, title, rows: rows.flat() }));
