// Links that lead out of the site, and files that are downloaded.

import { listen } from "./page.js";
import { notice } from "./pages.js";

const FILE = /\.(pdf|zip|gz|dmg|exe|csv|docx|xlsx|pptx|mp4)$/i;

export function watchLinks() {
  listen("click auxclick", (event) => {
    const link = event.composedPath()[0].closest("a[href]");
    if (event.button > 1 || !link.host) return;
    const url = link.origin + link.pathname;
    // The page may say what the file is to be called.
    if (FILE.test(url + link.download)) notice("download", { url });
    else if (link.host != location.host) notice("outbound", { url });
  });
}
