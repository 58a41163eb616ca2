// The shop itself: a basket in the visitor's tab, an order that is only counted, and a journal of one page.
"use strict";
(() => {
  const { prefix, currency } = document.body.dataset;
  const all = (selector) => document.querySelectorAll(selector);
  const money = (cents) => `€ ${(cents / 100).toFixed(2)}`;

  const basket = {
    read: () => JSON.parse(sessionStorage.getItem("basket") || "[]"),
    write: (lines) => sessionStorage.setItem("basket", JSON.stringify(lines)),
    total: () => basket.read().reduce((sum, line) => sum + line.cents * line.pieces, 0),
  };

  function show() {
    const lines = basket.read();
    const pieces = lines.reduce((sum, line) => sum + line.pieces, 0);
    for (const count of all("[data-count]")) {
      count.textContent = pieces;
      count.hidden = !pieces;
    }
    for (const total of all("[data-total]")) total.textContent = money(basket.total());
    for (const empty of all("[data-empty]")) empty.hidden = pieces > 0;
    for (const element of all("[data-lines], [data-onward]")) element.hidden = !pieces;
    for (const body of all("[data-lines] tbody")) body.replaceChildren(...lines.map(row));
    for (const paid of all("[data-paid]")) paid.textContent = money(Number(sessionStorage.getItem("paid")));
  }

  function row(line) {
    const row = document.createElement("tr");
    for (const text of [line.name, line.pieces, money(line.cents * line.pieces)]) {
      row.insertCell().textContent = text;
    }
    const remove = document.createElement("button");
    remove.textContent = "Remove";
    remove.addEventListener("click", () => {
      basket.write(basket.read().filter((other) => other.handle !== line.handle));
      hitstream.event("remove_from_basket", { product: line.handle });
      show();
    });
    row.insertCell().append(remove);
    return row;
  }

  for (const button of all("[data-add]")) {
    const { add: handle, name, price } = button.dataset;
    hitstream.event("view_product", { product: handle });
    button.addEventListener("click", () => {
      const lines = basket.read();
      const line = lines.find((other) => other.handle === handle);
      if (line) line.pieces += 1;
      else lines.push({ handle, name, cents: Math.round(price * 100), pieces: 1 });
      basket.write(lines);
      hitstream.event("add_to_basket", { product: handle, price });
      for (const note of all("[data-added]")) note.hidden = false;
      show();
    });
  }

  for (const form of all("[data-order]")) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const cents = basket.total();
      if (cents) {
        const items = basket.read().map(({ handle, pieces }) => ({ handle, pieces }));
        hitstream.conversion("purchase", { value: (cents / 100).toFixed(2), currency, properties: { items } });
        sessionStorage.setItem("paid", cents);
        basket.write([]);
      }
      location.href = `${prefix}/thanks`;
    });
  }

  function route() {
    for (const article of all("[data-article]")) article.hidden = article.dataset.article !== location.pathname;
    for (const link of all("[data-route]")) link.classList.toggle("here", link.pathname === location.pathname);
  }
  for (const link of all("[data-route]")) {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      history.pushState(null, "", link.href);
      route();
    });
  }
  addEventListener("popstate", route);

  for (const button of all("[data-break]")) {
    button.addEventListener("click", () => {
      throw new TypeError("the demo was asked to break something");
    });
  }
  for (const button of all("[data-opt-out]")) {
    button.addEventListener("click", () => {
      hitstream.optOut();
      button.textContent = "You are not counted";
      button.disabled = true;
    });
  }

  addEventListener("pageshow", show); // also when the browser brings the page back as it was
  route();
})();
