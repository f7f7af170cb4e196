/**
 * Makes elements. Content goes in as text only, so whatever people type stays a text.
 *
 * @module
 */

/** Makes an element with a class and a text. */
export function part(tag, className, text = "") {
  const element = document.createElement(tag);
  if (className !== "") element.className = className;
  element.textContent = text;
  return element;
}

/** Finds an element by its id. */
export const $ = (id) => document.getElementById(id);

/** Calls an action in place of sending a form. */
export function onSubmit(form, action) {
  $(form).addEventListener("submit", (event) => {
    event.preventDefault();
    action();
  });
}

/** Runs an action on Enter in a text area; Shift+Enter adds a line. */
export function onEnter(field, action) {
  $(field).addEventListener("keydown", (event) => {
    // Enter that ends a composition (of Japanese, say) belongs to the input method.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    action();
  });
}
