/** Addresses of pages, as the page shows and takes them. */

/** The path of a whole address, with its query; anything else as it is. */
export function pathOf(text) {
  return /^https?:\/\//.test(text) ? `/${text.split("/").slice(3).join("/")}` : text;
}
