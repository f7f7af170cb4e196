import { test } from "node:test";
import { assertEquals } from "#std/assert";
import { checkClose } from "../../lib/connection/close_code.ts";

/** Whether a user may close with a code. */
function isAllowed(code: number): boolean {
  try {
    checkClose({ closeCode: code });
    return true;
  } catch (error) {
    if (error instanceof RangeError) return false;
    throw error;
  }
}

test("a user closes with 1000, 1001, 1003, 1007 to 1014 and 3000 to 4999, and nothing else", () => {
  const allowed: string[] = [];
  for (let code = -1, first: number | undefined; code <= 70_000; code++) {
    if (isAllowed(code)) first ??= code;
    else if (first !== undefined) {
      allowed.push(`${first} to ${code - 1}`);
      first = undefined;
    }
  }
  assertEquals(allowed, ["1000 to 1001", "1003 to 1003", "1007 to 1014", "3000 to 4999"]);
  assertEquals([NaN, Infinity, 1000.5].filter(isAllowed), []);
});
