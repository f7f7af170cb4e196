import { assertEquals } from "#std/assert";
import fc from "fast-check";
import { test } from "node:test";
import { type Extension, formatExtension, parseExtensions } from "../../lib/handshake/extensions.ts";
import { check } from "../support/property.ts";

/** An extension as these tables write it. */
type Parsed = readonly [name: string, ...parameters: (readonly [name: string, value?: string])[]];

function parsed(header: string): Parsed[] | undefined {
  return parseExtensions(header)?.map(({ name, parameters }) => [
    name,
    ...parameters.map(([name, value]) => value === undefined ? [name] as const : [name, value] as const),
  ]);
}

const ACCEPTED: readonly (readonly [header: string, extensions: readonly Parsed[]])[] = [
  ["foo", [["foo"]]],
  ["foo, bar", [["foo"], ["bar"]]],
  ["foo,bar", [["foo"], ["bar"]]],
  ["foo, foo", [["foo"], ["foo"]]],
  ["foo; x", [["foo", ["x"]]]],
  ["foo;x;y=1", [["foo", ["x"], ["y", "1"]]]],
  ["foo; x=1; x=2; x", [["foo", ["x", "1"], ["x", "2"], ["x"]]]],
  ["foo; bar, foo; baz=2", [["foo", ["bar"]], ["foo", ["baz", "2"]]]],
  [" \tfoo\t ;\tx = 1 , \tbar\t ", [["foo", ["x", "1"]], ["bar"]]],
  ['foo; x="1"', [["foo", ["x", "1"]]]],
  ['foo; x = "1" ; y="a.b" , bar', [["foo", ["x", "1"], ["y", "a.b"]], ["bar"]]],
  ['foo; x="\\1\\0"', [["foo", ["x", "10"]]]],
  ['foo; x="a\\b"', [["foo", ["x", "ab"]]]],
  ["FOO; Bar=Baz", [["FOO", ["Bar", "Baz"]]]],
  ["!#$%&'*+-.^_`|~09azAZ; !#$%&'*+-.^_`|~=~", [["!#$%&'*+-.^_`|~09azAZ", ["!#$%&'*+-.^_`|~", "~"]]]],
  // The sample offers and answers of RFC 7692.
  ["permessage-deflate", [["permessage-deflate"]]],
  [
    "permessage-deflate; client_max_window_bits; server_max_window_bits=10",
    [["permessage-deflate", ["client_max_window_bits"], ["server_max_window_bits", "10"]]],
  ],
  [
    'permessage-foo; x="10", permessage-bar; x=10',
    [["permessage-foo", ["x", "10"]], ["permessage-bar", ["x", "10"]]],
  ],
  // Names that objects inherit.
  ["constructor", [["constructor"]]],
  ["__proto__; __proto__=1; toString", [["__proto__", ["__proto__", "1"], ["toString"]]]],
  ["hasOwnProperty; valueOf; valueOf", [["hasOwnProperty", ["valueOf"], ["valueOf"]]]],
];

for (const [header, extensions] of ACCEPTED) {
  test(`the extensions ${JSON.stringify(header)} are parsed (§9.1)`, () => {
    assertEquals<readonly Parsed[] | undefined>(parsed(header), extensions);
  });
}

const REFUSED: readonly (readonly [name: string, headers: readonly string[]])[] = [
  ["nothing", ["", " ", "\t", "  \t "]],
  ["empty elements", [",", "foo,", ",foo", "foo,,bar", "foo, ,bar", "foo;x,", " , foo"]],
  ["empty parameters", [
    ";",
    "foo;",
    "foo; ",
    "foo;;x",
    "foo; ;x",
    "foo;x;",
    "foo;, bar",
    ";x",
    "foo;x;,bar",
  ]],
  ["no value behind =", [
    "foo;x=",
    "foo; x= ",
    "foo;x=;y",
    "foo;x=,bar",
    "foo;x==1",
    "foo;=1",
    "foo;=",
    "foo=1",
  ]],
  ["an empty quoted value", ['foo; x=""', 'foo; x="" ; y']],
  ["a quote that is not finished", [
    'foo; x="',
    'foo; x="1',
    'foo; x="1, bar',
    'foo; x="1\\',
    'foo; x="1\\"',
  ]],
  ["a quote where none may be", [
    '"foo"',
    'foo; "x"',
    'foo; x="1"2',
    'foo; x="1""2"',
    'foo; x=1"2"',
    'foo "x"',
  ]],
  ["a quoted value that is no token", [
    'foo; x="a b"',
    'foo; x=" a"',
    'foo; x="a "',
    'foo; x="a,b"',
    'foo; x="a;b"',
    'foo; x="a=b"',
    'foo; x="\\""',
    'foo; x="\\\\"',
    'foo; x="\\ "',
    'foo; x="\x80"',
    'foo; x="\\\x80"',
  ]],
  ["names that are no tokens", [
    "foo bar",
    "foo; x y",
    "foo; x=1 2",
    "foo/bar",
    "foo;x=a/b",
    "(foo)",
    "foo:1",
    "a@b",
  ]],
  ["control characters", ["foo\0", "foo\nbar", "foo\r\n", "\x0bfoo", "foo;\x0cx", "foo\x7f", "foo; x=\x1f"]],
  ["what is beyond ASCII", [
    "\x80",
    "foo\x80",
    "foo;\xa0x",
    "foo\xff",
    "f\u00f6\u00f6",
    "\u0166oo",
    "foo; x=\u{1f600}",
  ]],
];

for (const [name, headers] of REFUSED) {
  test(`extensions with ${name} are refused (§9.1)`, () => {
    for (const header of headers) assertEquals(parsed(header), undefined, JSON.stringify(header));
  });
}

test("each octet is taken in a name where RFC 9110 has it in a token, and nowhere else", () => {
  const TOKENS = "!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~";
  const places = ["a%b", "a; x%y", "a; x=1%2", 'a; x="1%2"'];
  for (const place of places) {
    const taken = Array.from({ length: 0x120 }, (_, code) => String.fromCharCode(code)).filter((octet) => {
      const [extension, ...rest] = parseExtensions(place.replace("%", () => octet)) ?? [];
      // Delimiters begin something else; here only what stays one name or value counts.
      const words = extension === undefined ? [] : [extension.name, ...extension.parameters.flat()];
      const text = words.findLast((word) => word !== undefined);
      return rest.length === 0 && text?.length === 3 && text[1] === octet;
    });
    assertEquals(taken.join(""), TOKENS, place);
  }
});

test("an extension is written with its parameters in their order", () => {
  const extension: Extension = { name: "foo", parameters: [["x", "1"], ["y", undefined], ["x", "2"]] };
  assertEquals(formatExtension(extension), "foo; x=1; y; x=2");
  assertEquals(formatExtension({ name: "foo", parameters: [] }), "foo");
});

const token = fc.string({ unit: fc.constantFrom(..."abzAZ09!#'*.~_-"), minLength: 1, maxLength: 8 });
const extension: fc.Arbitrary<Extension> = fc.record({
  name: fc.oneof(token, fc.constantFrom("constructor", "__proto__")),
  parameters: fc.array(
    fc.tuple(fc.oneof(token, fc.constantFrom("__proto__", "toString")), fc.option(token, { nil: undefined })),
    { maxLength: 5 },
  ),
}, { noNullPrototype: true });

test("property: extensions that are written are parsed into the same", () => {
  const property = fc.property(fc.array(extension, { minLength: 1, maxLength: 6 }), (extensions) => {
    assertEquals(parseExtensions(extensions.map(formatExtension).join(", ")), extensions);
  });
  check(property, { numRuns: 300 });
});

test("property: quotes, escapes and white space change nothing", () => {
  const gap = fc.string({ unit: fc.constantFrom(" ", "\t"), maxLength: 3 });
  const form = fc.constantFrom(
    (value: string) => value,
    (value: string) => `"${value}"`,
    (value: string) => `"${value.replaceAll(/./g, "\\$&")}"`,
  );
  const list = fc.array(extension, { minLength: 1, maxLength: 4 });
  const property = fc.property(list, gap, gap, form, (extensions, left, right, form) => {
    const around = (delimiter: string) => left + delimiter + right;
    const header = extensions.map(({ name, parameters }) =>
      [
        name,
        ...parameters.map(([name, value]) => value === undefined ? name : name + around("=") + form(value)),
      ].join(around(";"))
    ).join(around(","));
    assertEquals(parseExtensions(left + header + right), extensions);
  });
  check(property, { numRuns: 300 });
});

test("property: any text is parsed or refused, and what is parsed can be written and parsed again", () => {
  const text = fc.oneof(
    fc.string({ unit: fc.constantFrom(...'ab1=;,"\\ \t\x80'), maxLength: 30 }),
    fc.string({ unit: "binary" }),
  );
  const property = fc.property(text, (text) => {
    const extensions = parseExtensions(text);
    if (extensions === undefined) return;
    assertEquals(parseExtensions(extensions.map(formatExtension).join(",")), extensions);
  });
  check(property, { numRuns: 2_000 });
});
