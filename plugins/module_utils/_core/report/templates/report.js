"use strict";
(async () => {
  const PRINTED = 2000;
  const FIELDS = ["q", "show", "check", "severity", "events", "ou", "class", "code"];
  const UNKNOWN_OU = "(OU unknown)";

  const $ = (id) => document.getElementById(id);
  const packed = new Blob([Uint8Array.from(atob($("data").textContent), (char) => char.charCodeAt(0))]);
  const { pageSize, checks, marks, rows } = await new Response(packed.stream().pipeThrough(new DecompressionStream("gzip"))).json();
  const heads = [...document.querySelectorAll("#matrix th[data-sort]")];
  const columns = heads.filter((head) => head.dataset.check).map((head) => [+head.dataset.check, head.textContent.trim()]);
  const width = document.querySelectorAll("#matrix thead th").length;
  const cells = heads.filter((head) => head.dataset.cell).map((head) => [head.dataset.cell, head.textContent.trim()]);
  const changed = document.querySelector("#show [value=changed]")?.textContent ?? "changed";
  const order = Object.keys(marks);
  const filter = {};
  let sort = "";
  let down = false;
  let page = 0;
  let shown = rows;
  let haystacks = null;

  const resources = (row) => row.resources.map(({ kind, id, url }) => [kind.charAt(0).toUpperCase() + kind.slice(1), id, url]);
  const number = (value) => value.toLocaleString("en-US");

  // Every node is created here, and strings become text nodes: no name can become markup.
  const make = (tag, attributes, ...children) => {
    const node = document.createElement(tag);
    for (const [key, value] of Object.entries(attributes || {})) node.setAttribute(key, value);
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  };

  const haystack = (row) =>
    [
      row.account_id, row.account_name, row.host, row.status, row.error.class, row.ingestion.ingestion_status, ...Object.values(row.cells),
      ...row.resources.map(({ id }) => id), ...row.findings.map(({ code }) => code),
    ].join("\n").toLowerCase();

  const SHOW = {
    open: (row) => row.attention,
    new: (row) => row.new,
    drifted: (row) => row.drifted,
    connected: (row) => row.connected,
    disconnected: (row) => !row.connected,
  };
  const MATCH = {
    show: (row, value) => (SHOW[value] ? SHOW[value](row) : row.status === value),
    check: (row, value) => /[chml]/i.test(row.states[checks.indexOf(value)] ?? ""),
    severity: (row, value) => row.findings.some(({ severity }) => severity === value),
    events: (row, value) => row.ingestion.ingestion_status === value,
    ou: (row, value) => (row.cells.ou || UNKNOWN_OU) === value,
    class: (row, value) => row.error.class === value,
    code: (row, value) => row.findings.some(({ code }) => code === value),
  };

  const select = () => {
    const words = (filter.q || "").toLowerCase().split(/\s+/).filter(Boolean);
    if (words.length && !haystacks) haystacks = new Map(rows.map((row) => [row, haystack(row)]));
    const tests = Object.entries(MATCH).filter(([name]) => filter[name]);
    shown = rows.filter((row) =>
      tests.every(([name, test]) => test(row, filter[name])) &&
      words.every((word) => haystacks.get(row).includes(word)));
    if (sort) {
      const key = sortKey(sort);
      const sign = down ? -1 : 1;
      const keyed = shown.map((row) => [key(row), row]);
      keyed.sort(([a], [b]) => (a < b ? -sign : a > b ? sign : 0));
      shown = keyed.map(([, row]) => row);
    }
  };
  const sortKey = (name) => ({
    id: (row) => row.host.toLowerCase() || row.account_id,
    status: (row) => row.label,
  })[name] || ((row) => row.cells[name] ?? order.indexOf(row.states[+name.slice(1)]));

  const mark = (state, label) => {
    const [kind, char, meaning] = marks[state];
    return make("span", { class: `mark ${kind}`, role: "img", "aria-label": `${label}: ${meaning}`, title: `${label}: ${meaning}` }, char);
  };
  const cell = (kind, ...children) => make("td", { role: "cell", class: kind }, ...children);
  // Paths and ARNs are broken after a slash rather than anywhere.
  const breakable = (text) => text.split(/(?<=\/)/).flatMap((part, at) => (at ? [make("wbr"), part] : [part]));
  const wide = (text, name, label) =>
    make("td", { role: "cell", class: `wide${text ? "" : " blank"}${name === "details" ? " details" : ""}`, "data-label": label }, make("bdi", {}, ...breakable(text || "–")));

  const line = (row, at) => {
    const toggle = make("button", { type: "button", class: "toggle", "aria-expanded": "false", "data-row": at },
      make("b", {}, make("bdi", {}, row.host || row.account_id)),
      row.host && row.host !== row.account_id ? make("b", { class: "id" }, row.account_id) : null,
      row.account_name && row.account_name !== row.host ? make("b", { class: "name" }, make("bdi", {}, row.account_name)) : null);
    return make("tr", { role: "row", class: "account" },
      make("th", { scope: "row", role: "rowheader" }, toggle),
      cell("", make("span", { class: `status ${row.tone}` }, row.label === "changed" ? changed : row.label)),
      ...columns.map(([index, label]) =>
        make("td", { role: "cell", class: "check", "data-label": label }, mark(row.states[index], label))),
      ...cells.map(([name, label]) => wide(row.cells[name], name, label)));
  };

  // A line diff by the longest common subsequence; for long texts each side as a whole. A comma alone is no difference.
  const compare = (before, after) => {
    const a = before ? before.split("\n") : [];
    const b = after ? after.split("\n") : [];
    const same = (i, j) => a[i].replace(/,$/, "") === b[j].replace(/,$/, "");
    if (a.length * b.length > 250000) return [...a.map((it) => ["del", it]), ...b.map((it) => ["add", it])];
    const long = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
    for (let i = a.length - 1; i >= 0; i--)
      for (let j = b.length - 1; j >= 0; j--)
        long[i][j] = same(i, j) ? long[i + 1][j + 1] + 1 : Math.max(long[i + 1][j], long[i][j + 1]);
    const lines = [];
    let i = 0;
    let j = 0;
    while (i < a.length || j < b.length) {
      if (i < a.length && j < b.length && same(i, j)) { lines.push(["", b[j]]); i++; j++; }
      else if (j >= b.length || (i < a.length && long[i + 1][j] >= long[i][j + 1])) lines.push(["del", a[i++]]);
      else lines.push(["add", b[j++]]);
    }
    return lines;
  };
  const pretty = (it) => {
    if (typeof it !== "string") return it && Object.keys(it).length ? JSON.stringify(it, null, 2) : "";
    try { return JSON.stringify(JSON.parse(it), null, 2); } catch { return it; }
  };
  const SIGN = { add: "+ ", del: "- ", "": "  " };
  const block = (lines) =>
    make("pre", { tabindex: "0" }, ...lines.map(([kind, it]) => make("span", kind ? { class: kind } : {}, SIGN[kind] + it)));
  const titled = (title, items) => (items.length ? [make("h3", {}, title), ...items] : []);
  const documentation = (url, name) => (url ? make("a", { href: url, rel: "noreferrer", "aria-label": `Documentation of ${name}` }, "Documentation") : null);

  const outside = (key, url) =>
    make("a", { href: url, rel: "noreferrer", "aria-label": `${key} in the ${key === "Role" ? "IAM console" : "Azure portal"}` }, key === "Role" ? "IAM console" : "Azure portal");

  const findings = (row) => row.findings.map(({ severity, code, message, open, url }) =>
    make("li", {}, mark(open ? severity[0] : severity[0].toUpperCase(), "Severity"), " ", make("b", {}, code), " – ",
      make("bdi", {}, message), open ? null : make("span", { class: "note" }, " (repaired)"), " ", documentation(url, code)));
  const differences = (row) => row.diff.flatMap(({ before_header, after_header, before, after }) => [
    make("p", { class: "note id" }, after_header || before_header || ""), block(compare(pretty(before), pretty(after)))]);
  const calls = (row) => row.calls.map(({ name, args }) =>
    make("details", {}, make("summary", { class: "id" }, name), block(pretty(args).split("\n").map((it) => ["", it]))));
  const facts = (row) => {
    const { ingestion_status, events, health, broken_link, message, last_event } = row.ingestion;
    const pairs = [["Account", row.account_id], ["Name", row.account_name], ["OU", row.cells.ou], ...resources(row)];
    if (ingestion_status) pairs.push(["Events", `${ingestion_status}, ${number(events ?? 0)} events`], ["Last event", last_event], ["Regions", row.cells.regions], ["Health", health], ["Broken link", broken_link], ["Message", message]);
    return make("dl", {}, ...pairs.filter(([, value]) => value).map(([key, value, url]) =>
      make("div", {}, make("dt", {}, key), make("dd", { class: "id" }, value, url ? " " : null, url ? outside(key, url) : null))));
  };
  const failure = ({ error }) => (error.class
    ? [make("p", { class: "error" }, make("b", {}, error.class), ` – ${error.message} ${error.advice} `, documentation(error.url, error.class))]
    : []);
  const detail = (row) => make("tr", { role: "row", class: "more" },
    make("td", { role: "cell", class: "detail", colspan: width },
      ...failure(row),
      ...titled("Findings", row.findings.length ? [make("ul", {}, ...findings(row))] : []),
      ...titled("Differences", differences(row)),
      ...titled("API calls", calls(row)),
      facts(row)));

  const draw = (from, to) => $("rows").replaceChildren(...shown.slice(from, to).map((row, at) => line(row, from + at)));
  const render = () => {
    const pages = Math.max(1, Math.ceil(shown.length / pageSize));
    page = Math.min(page, pages - 1);
    draw(page * pageSize, (page + 1) * pageSize);
    if (!shown.length)
      $("rows").append(make("tr", { role: "row" }, make("td", { role: "cell", colspan: width, class: "empty" }, "No accounts match.")));
    $("count").textContent = shown.length === rows.length ? number(rows.length) : `${number(shown.length)} of ${number(rows.length)}`;
    $("position").textContent = `Page ${number(page + 1)} of ${number(pages)}`;
    $("pager").hidden = pages === 1;
    for (const button of $("pager").querySelectorAll("button"))
      button.disabled = /first|previous/.test(button.dataset.to) ? page === 0 : page === pages - 1;
    for (const head of heads)
      head.setAttribute("aria-sort", head.dataset.sort !== sort ? "none" : down ? "descending" : "ascending");
    chips();
  };
  const chips = () => $("chips").replaceChildren(...["class", "code"].filter((name) => filter[name]).map((name) =>
    make("button", { type: "button", "data-drop": name, "aria-label": `Remove the filter ${name} ${filter[name]}` }, `${name}: ${filter[name]} ×`)));

  // The filter is the fragment of the URL, so that a filtered view can be linked and bookmarked.
  const update = () => {
    page = 0;
    select();
    render();
    const set = new URLSearchParams(FIELDS.filter((name) => filter[name]).map((name) => [name, filter[name]]));
    history.replaceState(null, "", `#${set}`);
  };
  const read = () => {
    const fragment = location.hash.slice(1);
    const target = /^(excluded|orphans)$/.test(fragment) && $(fragment);
    if (target) { target.open = true; target.scrollIntoView(); }
    if (fragment && fragment !== "all" && !fragment.includes("=")) return false;
    const set = new URLSearchParams(fragment === "all" ? "" : fragment);
    for (const name of FIELDS) {
      filter[name] = set.get(name) || "";
      if ($(name)) $(name).value = filter[name];
    }
    return Boolean(fragment);
  };

  const toggle = (button) => {
    const open = button.getAttribute("aria-expanded") === "true";
    const tr = button.closest("tr");
    button.setAttribute("aria-expanded", String(!open));
    tr.classList.toggle("opened", !open);
    if (open) tr.nextElementSibling.remove();
    else tr.after(detail(shown[+button.dataset.row]));
  };

  $("filters").addEventListener("submit", (event) => event.preventDefault());
  let waiting = 0;
  $("filters").addEventListener("input", (event) => {
    filter[event.target.id] = event.target.value;
    clearTimeout(waiting);
    waiting = setTimeout(update, event.target.id === "q" ? 80 : 0);
  });
  $("filters").addEventListener("reset", () => {
    for (const name of FIELDS) filter[name] = "";
    setTimeout(update);
  });
  $("chips").addEventListener("click", (event) => {
    const name = event.target.dataset.drop;
    if (name) { filter[name] = ""; update(); $("q").focus(); }
  });
  $("pager").addEventListener("click", (event) => {
    const to = event.target.dataset.to;
    if (!to) return;
    const last = Math.ceil(shown.length / pageSize) - 1;
    page = { first: 0, previous: page - 1, next: page + 1, last }[to];
    render();
    $("accounts").scrollIntoView();
    $("accounts").focus({ preventScroll: true });
  });
  $("rows").addEventListener("click", (event) => {
    const tr = event.target.closest("tr.account");
    if (tr && !getSelection().toString()) toggle(tr.querySelector(".toggle"));
  });
  addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || /INPUT|SELECT/.test(event.target.tagName)) return;
    event.preventDefault();
    $("q").focus();
  });
  addEventListener("hashchange", () => {
    if (!read()) return;
    update();
    $("accounts").scrollIntoView();
    $("accounts").focus({ preventScroll: true });
  });
  addEventListener("beforeprint", () => {
    draw(0, PRINTED);
    $("rest").hidden = shown.length <= PRINTED;
    $("rest").textContent = `${number(shown.length - PRINTED)} more accounts are not printed. Filter the accounts to print others.`;
  });
  addEventListener("afterprint", () => {
    $("rest").hidden = true;
    render();
  });

  for (const head of heads) {
    const button = make("button", { type: "button" }, ...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      [sort, down] = sort !== head.dataset.sort ? [head.dataset.sort, false] : down ? ["", false] : [sort, true];
      update();
    });
  }
  read();
  $("filters").hidden = false;
  $("rest").hidden = true;
  select();
  render();
  document.documentElement.dataset.ready = "";
})();
