/**
 * What people do on the demo's pages.
 *
 * @module
 */

import type { Page } from "playwright-core";

/** Enters the chat under a nickname. */
export async function enterChat(page: Page, name: string): Promise<void> {
  await page.fill("#name", name);
  await page.click("#enter:enabled");
  await page.waitForSelector("#room:not([hidden])");
}

/** Says something in the chat. */
export async function say(page: Page, text: string): Promise<void> {
  await page.fill("#text", text);
  await page.click("#send:enabled");
}

/** Waits until a text was said in the chat. */
export async function heard(page: Page, text: string): Promise<void> {
  await page.locator(".message .text", { hasText: text }).first().waitFor();
}

/** Waits until the chat's page says something itself. */
export async function noticed(page: Page, text: string): Promise<void> {
  await page.locator(".notice .words", { hasText: text }).first().waitFor();
}

/** Reads what was said in the chat: `author: text`. */
export async function messages(page: Page): Promise<string[]> {
  const rows = await page.locator(".message").all();
  return await Promise.all(
    rows.map(async (row) =>
      `${await row.locator(".author").textContent()}: ${await row.locator(".text").textContent()}`
    ),
  );
}

/** Reads who is in the chat, once there are so many. */
export async function people(page: Page, count: number): Promise<string[]> {
  await page.locator("#people-count", { hasText: new RegExp(`^${count}$`) }).waitFor();
  return await page.locator(".person").allTextContents();
}

/** Logs in to vote. */
export async function logIn(page: Page, name: string): Promise<void> {
  await page.fill("#name", name);
  await page.click("#login button");
  await page.waitForSelector(".candidate");
}

/** Votes for a candidate. */
export async function vote(page: Page, candidate: string): Promise<void> {
  await page.click(`.candidate[data-name="${candidate}"] button:enabled`);
  await page.waitForSelector(".chosen");
}

/** Waits until a candidate has so many votes. */
export async function untilVotes(page: Page, candidate: string, votes: number): Promise<void> {
  await page.waitForSelector(`.candidate[data-name="${candidate}"][data-votes="${votes}"]`);
}

/** Gives a device a name, and the one that it writes to another; it is here again in the end. */
export async function nameDevice(page: Page, device: "a" | "b", name: string, to: string): Promise<void> {
  await goAway(page, device);
  const panel = page.locator(`[data-device="${device}"]`);
  await panel.locator(".name").fill(name);
  await panel.locator(".to").fill(to);
  await comeBack(page, device);
}

/** Sends a device away. */
export async function goAway(page: Page, device: "a" | "b"): Promise<void> {
  const panel = page.locator(`[data-device="${device}"]`);
  await panel.locator('.device-state[data-state="open"]').waitFor();
  await panel.locator(".come").click();
  await panel.locator('.device-state[data-state="closed"]').waitFor();
}

/** Has a device come back. */
export async function comeBack(page: Page, device: "a" | "b"): Promise<void> {
  const panel = page.locator(`[data-device="${device}"]`);
  await panel.locator(".come").click();
  await panel.locator('.device-state[data-state="open"]').waitFor();
}

/** Sends a message from a device, and waits for the server's word about it. */
export async function sendFrom(page: Page, device: "a" | "b", text: string): Promise<void> {
  const panel = page.locator(`[data-device="${device}"]`);
  await panel.locator(".text").fill(text);
  await panel.locator(".send:enabled").click();
  await panel.locator(".inbox .words", { hasText: text }).first().waitFor();
}
