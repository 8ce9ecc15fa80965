"use strict";
(() => {
  const PAGE = 100;
  const PRINTED = 2000;
  const STATES = "chmlCHML.-";
  const SEVERITY = { c: "critical", h: "high", m: "medium", l: "low" };
  const FIELDS = ["q", "show", "check", "severity", "events", "ou", "class", "code"];
  const UNKNOWN_OU = "(OU unknown)";
  const PLACEHOLDERS = /[\ue000-\ue002]/g;
  const [ID, HOST, OU, STATUS, STATE, FLAGS, RESOURCES, NAME, FOUND, ERROR, EVENTS, CALLS, DIFF] = Array(13).keys();

  const $ = (id) => document.getElementById(id);
  const { checks, strings, rows } = JSON.parse($("data").textContent);
  const reference = JSON.parse($("reference").textContent);
  const heads = [...document.querySelectorAll("#matrix th[data-sort]")];
  const columns = heads.filter((head) => head.dataset.check).map((head) => [+head.dataset.check, head.textContent.trim()]);
  const width = document.querySelectorAll("#matrix thead th").length;
  const hasEvents = heads.some((head) => head.dataset.sort === "last");
  const changed = document.querySelector("#show [value=changed]").textContent;
  const filter = {};
  let sort = "";
  let down = false;
  let page = 0;
  let shown = rows;
  let haystacks = null;

  // Strings are stored once for all accounts, with placeholders for the values that only one account has.
  const text = (row, number) =>
    (strings[number] ?? "").replace(PLACEHOLDERS, (placeholder) => [row[ID], row[NAME], row[HOST]][placeholder.charCodeAt(0) - 0xe000]);
  const list = (row, part, step) => {
    const flat = row[part] || [];
    return Array.from({ length: flat.length / step }, (_, at) => flat.slice(at * step, at * step + step));
  };
  const resources = (row) => list(row, RESOURCES, 2).map(([kind, id]) => [strings[kind][0].toUpperCase() + strings[kind].slice(1), text(row, id)]);
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
      row[ID], row[HOST], strings[row[OU]], row[STATUS], ...resources(row).map(([, id]) => id),
      ...list(row, FOUND, 3).flatMap(([code, message]) => [strings[code].slice(1), text(row, message)]),
      ...(row[ERROR] ? [row[ERROR][0], text(row, row[ERROR][1])] : []),
      ...(row[EVENTS] ? [strings[row[EVENTS][0]], text(row, row[EVENTS][4])] : []),
    ].join("\n").toLowerCase();

  const SHOW = {
    open: (row) => /[chml]/.test(row[STATE]),
    drifted: (row) => row[FLAGS] & 2,
    connected: (row) => row[FLAGS] & 1,
    disconnected: (row) => !(row[FLAGS] & 1),
  };
  const MATCH = {
    show: (row, value) => (SHOW[value] ? SHOW[value](row) : row[STATUS] === value),
    check: (row, value) => /[chml]/i.test(row[STATE][checks.indexOf(value)] ?? ""),
    severity: (row, value) => list(row, FOUND, 3).some(([code]) => SEVERITY[strings[code][0]] === value),
    events: (row, value) => Boolean(row[EVENTS]) && strings[row[EVENTS][0]] === value,
    ou: (row, value) => (strings[row[OU]] || UNKNOWN_OU) === value,
    class: (row, value) => Boolean(row[ERROR]) && row[ERROR][0] === value,
    code: (row, value) => list(row, FOUND, 3).some(([code]) => strings[code].slice(1) === value),
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
    id: (row) => row[HOST].toLowerCase() || row[ID],
    ou: (row) => strings[row[OU]],
    status: (row) => row[STATUS],
    last: (row) => (row[EVENTS] ? row[EVENTS][1] : ""),
  })[name] || ((row) => STATES.indexOf(row[STATE][+name.slice(1)]));

  const mark = (state, label) => {
    const severity = SEVERITY[state.toLowerCase()];
    const repaired = severity && state !== state.toLowerCase();
    const result = severity ? `${severity}${repaired ? ", repaired" : ""}` : state === "." ? "passed" : "not checked or unknown";
    const glyph = severity ? (label === "Run" ? "✕" : state.toUpperCase()) : state === "." ? "✓" : "–";
    const kind = severity ? state : state === "." ? "fine" : "unknown";
    return make("span", { class: `mark ${kind}`, role: "img", "aria-label": `${label}: ${result}`, title: `${label}: ${result}` }, glyph);
  };
  const summary = (row) => {
    if (row[ERROR]) return text(row, row[ERROR][1]);
    const found = list(row, FOUND, 3);
    if (found.length) return text(row, found[0][1]) + (found.length > 1 ? ` (+${found.length - 1})` : "");
    return row[EVENTS] ? text(row, row[EVENTS][4]) || (strings[row[EVENTS][0]] === "receiving" ? "" : strings[row[EVENTS][0]]) : "";
  };
  const time = (iso) => (iso ? iso.slice(0, 16).replace("T", " ") : "–");
  const cell = (kind, ...children) => make("td", { role: "cell", class: kind }, ...children);

  const line = (row, at) => {
    const toggle = make("button", { type: "button", class: "toggle", "aria-expanded": "false", "data-row": at },
      make("b", {}, make("bdi", {}, row[HOST] || row[ID])),
      row[HOST] && row[HOST] !== row[ID] ? make("b", { class: "id" }, row[ID]) : null);
    const details = summary(row);
    return make("tr", { role: "row", class: "account" },
      make("th", { scope: "row", role: "rowheader" }, toggle),
      make("td", { role: "cell", class: "wide", title: strings[row[OU]] }, make("bdi", {}, strings[row[OU]] || "–")),
      cell("", make("span", { class: `status ${row[STATUS]}` }, row[STATUS] === "changed" ? changed : row[STATUS])),
      ...columns.map(([index, label]) =>
        make("td", { role: "cell", class: "check", "data-label": label }, mark(row[STATE][index], label))),
      hasEvents ? cell("wide", time(row[EVENTS] && row[EVENTS][1])) : null,
      make("td", { role: "cell", class: "wide", title: details }, make("bdi", {}, details || "–")));
  };

  // A line diff by the longest common subsequence; for long texts each side as a whole.
  const compare = (before, after) => {
    const a = before ? before.split("\n") : [];
    const b = after ? after.split("\n") : [];
    if (a.length * b.length > 250000) return [...a.map((it) => ["del", it]), ...b.map((it) => ["add", it])];
    const long = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
    for (let i = a.length - 1; i >= 0; i--)
      for (let j = b.length - 1; j >= 0; j--)
        long[i][j] = a[i] === b[j] ? long[i + 1][j + 1] + 1 : Math.max(long[i + 1][j], long[i][j + 1]);
    const lines = [];
    let i = 0;
    let j = 0;
    while (i < a.length || j < b.length) {
      if (i < a.length && j < b.length && a[i] === b[j]) { lines.push(["", a[i]]); i++; j++; }
      else if (j >= b.length || (i < a.length && long[i + 1][j] >= long[i][j + 1])) lines.push(["del", a[i++]]);
      else lines.push(["add", b[j++]]);
    }
    return lines;
  };
  const pretty = (it) => {
    try { return JSON.stringify(JSON.parse(it), null, 2); } catch { return it; }
  };
  const SIGN = { add: "+ ", del: "- ", "": "  " };
  const block = (lines) =>
    make("pre", { tabindex: "0" }, ...lines.map(([kind, it]) => make("span", kind ? { class: kind } : {}, SIGN[kind] + it)));
  const titled = (title, items) => (items.length ? [make("h3", {}, title), ...items] : []);
  const inJson = () => make("p", { class: "note" }, "See report.json for the details.");
  // Names come from data, so inherited properties must not match.
  const lookup = (table, name) => (Object.hasOwn(table, name) ? table[name] : "");
  const documentation = (url, name) => (url ? make("a", { href: url, rel: "noreferrer", "aria-label": `Documentation of ${name}` }, "Documentation") : null);

  const findings = (row) => list(row, FOUND, 3).map(([code, message, open]) => {
    const letter = strings[code][0];
    return make("li", {}, mark(open ? letter : letter.toUpperCase(), "Severity"), " ", make("b", {}, strings[code].slice(1)), " – ",
      make("bdi", {}, text(row, message)), open ? null : make("span", { class: "note" }, " (repaired)"), " ",
      documentation(lookup(reference.findings, strings[code].slice(1)), strings[code].slice(1)));
  });
  const differences = (row) => list(row, DIFF, 3).flatMap(([header, before, after]) => [
    make("p", { class: "note id" }, text(row, header)),
    before < 0 || after < 0 ? inJson() : block(compare(pretty(text(row, before)), pretty(text(row, after))))]);
  const calls = (row) => list(row, CALLS, 2).map(([name, args]) =>
    make("details", {}, make("summary", { class: "id" }, strings[name]),
      args < 0 ? inJson() : block(pretty(text(row, args)).split("\n").map((it) => ["", it]))));
  const facts = (row) => {
    const ingestion = row[EVENTS];
    const pairs = [["Account", row[ID]], ["OU", strings[row[OU]]], ...resources(row)];
    if (ingestion) pairs.push(["Events", `${strings[ingestion[0]]}, ${number(ingestion[2])} events`], ["Last event", time(ingestion[1])], ["Regions", strings[ingestion[3]]], ["Message", text(row, ingestion[4])]);
    return make("dl", {}, ...pairs.filter(([, value]) => value).map(([key, value]) =>
      make("div", {}, make("dt", {}, key), make("dd", { class: "id" }, value))));
  };
  const failure = (row) => {
    if (!row[ERROR]) return [];
    const [kind, message] = [row[ERROR][0], text(row, row[ERROR][1])];
    const advice = lookup(reference.advice, kind);
    const addition = advice && !message.includes(advice) ? ` ${advice}` : "";
    return [make("p", { class: "error" }, make("b", {}, kind), ` – ${message}${addition} `,
      documentation(lookup(reference.errors, kind), kind))];
  };
  const detail = (row) => make("tr", { role: "row", class: "more" },
    make("td", { role: "cell", class: "detail", colspan: width },
      ...failure(row),
      ...titled("Findings", list(row, FOUND, 3).length ? [make("ul", {}, ...findings(row))] : []),
      ...titled("Differences", differences(row)),
      ...titled("API calls", calls(row)),
      facts(row)));

  const draw = (from, to) => $("rows").replaceChildren(...shown.slice(from, to).map((row, at) => line(row, from + at)));
  const render = () => {
    const pages = Math.max(1, Math.ceil(shown.length / PAGE));
    page = Math.min(page, pages - 1);
    draw(page * PAGE, page * PAGE + PAGE);
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
    const last = Math.ceil(shown.length / PAGE) - 1;
    page = { first: 0, previous: page - 1, next: page + 1, last }[to];
    render();
    $("accounts").scrollIntoView();
    $("accounts").focus({ preventScroll: true });
  });
  for (const head of heads)
    head.firstElementChild.addEventListener("click", () => {
      [sort, down] = sort !== head.dataset.sort ? [head.dataset.sort, false] : down ? ["", false] : [sort, true];
      update();
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
  addEventListener("beforeprint", () => draw(0, PRINTED));
  addEventListener("afterprint", render);

  read();
  $("filters").hidden = $("matrix").hidden = false;
  select();
  render();
})();
