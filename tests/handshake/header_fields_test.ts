import { test } from "node:test";
import { assertEquals, assertThrows } from "#std/assert";
import { HeaderFields } from "../../lib/handshake/header_fields.ts";

function fields(...lines: [string, string][]): HeaderFields {
  const made = new HeaderFields();
  for (const [name, value] of lines) made.append(name, value);
  return made;
}

test("names are lower-cased and the order is kept", () => {
  const made = fields(["B", "1"], ["a", "2"], ["b", "3"]);
  assertEquals([...made], [["b", "1"], ["a", "2"], ["b", "3"]]);
  assertEquals(made.size, 3);
});

test("one name with several lines can be told from one line", () => {
  const made = fields(["Host", "x"], ["A", "1"], ["host", "y"]);
  assertEquals(made.get("host"), "x");
  assertEquals(made.getAll("host"), ["x", "y"]);
  assertEquals(made.count("host"), 2);
  assertEquals(made.list("host"), "x, y");
});

test("a name that is not there gives nothing", () => {
  const made = fields(["a", "1"]);
  assertEquals(
    [made.get("b"), made.list("b"), made.getAll("b"), made.count("b"), made.has("b")],
    [undefined, undefined, [], 0, false],
  );
});

test("an empty value is there", () => {
  const made = fields(["a", ""]);
  assertEquals([made.get("a"), made.list("a"), made.has("a")], ["", "", true]);
});

test("a value is not taken for a name", () => {
  assertEquals(fields(["a", "b"], ["c", "d"]).has("b"), false);
});

for (const name of ["constructor", "__proto__", "toString", "hasOwnProperty", "length"]) {
  test(`the name ${name} is one like any other`, () => {
    const made = fields(["a", "1"]);
    assertEquals([made.has(name.toLowerCase()), made.get(name.toLowerCase())], [false, undefined]);
    made.append(name, "2");
    assertEquals([...made], [["a", "1"], [name.toLowerCase(), "2"]]);
    assertEquals(made.toHeaders().get(name), "2");
  });
}

test("Headers get every line, Set-Cookie apart, obs-text kept", () => {
  const headers = fields(["A", "1"], ["a", "\x80\xff"], ["Set-Cookie", "x"], ["set-cookie", "y"]).toHeaders();
  assertEquals(headers.get("a"), "1, \x80\xff");
  assertEquals(headers.getSetCookie(), ["x", "y"]);
});

test("Headers refuse what is no header", () => {
  assertThrows(() => fields(["a b", "1"]).toHeaders(), TypeError);
});

test("Headers join the lines of one name with commas, and Cookie lines with semicolons", () => {
  const fields = new HeaderFields();
  for (const [name, value] of [["X", "1"], ["Cookie", "a=1"], ["x", "2"], ["cookie", "b=2; c=3"]] as const) {
    fields.append(name, value);
  }
  assertEquals([...fields.toHeaders()], [["cookie", "a=1; b=2; c=3"], ["x", "1, 2"]]);
});
