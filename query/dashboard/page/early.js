// The colours, before anything is painted. The only script that is no module: modules run after the first paint.
"use strict";
{
  let chosen = "auto";
  try {
    chosen = localStorage.getItem("hitstream.theme") ?? "auto";
  } catch {
    // storage is switched off: then the system decides
  }
  const dark = chosen === "dark" || (chosen === "auto" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
}
