#include "worker/admin/admin_page.h"

namespace holdfast::admin {

const std::string_view kAdminPagePolicy =
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

// All that comes from the server is set as text, never as markup.
const std::string_view kAdminPage = R"page(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>holdfast</title>
<style>
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin-bottom: 0; }
table { border-collapse: collapse; margin: 1rem 0; width: 100%; }
th, td { text-align: right; padding: .2rem .6rem; border-bottom: 1px solid #8884; font-variant-numeric: tabular-nums; }
th:first-child, td:first-child { text-align: left; }
pre { white-space: pre-wrap; }
</style>
</head>
<body>
<h1>holdfast</h1>
<p id="summary" role="status">&hellip;</p>
<p><a href="/metrics">metrics</a> &middot; <a href="/status">status</a> &middot; <a href="/healthz">healthz</a>
&middot; <a href="/readyz">readyz</a></p>
<table id="workers"></table>
<table id="sites"></table>
<pre id="reload"></pre>
<script>
"use strict";
const at = id => document.getElementById(id);
const span = s => s >= 86400 ? Math.floor(s / 86400) + " d" : s >= 3600 ? Math.floor(s / 3600) + " h"
  : s >= 60 ? Math.floor(s / 60) + " min" : Math.floor(s) + " s";
function fill(table, heading, rows) {
  const line = (kind, cells) => {
    const row = document.createElement("tr");
    for (const cell of cells) row.appendChild(document.createElement(kind)).textContent = cell;
    return row;
  };
  table.replaceChildren(line("th", heading), ...rows.map(cells => line("td", cells)));
}
let before = null;
function show(status) {
  const total = status.totals;
  const rate = before && status.now > before.now
    ? ((total.requests - before.totals.requests) / (status.now - before.now)).toFixed(1) + " requests/s, " : "";
  before = status;
  at("summary").textContent = status.release + ", " + (status.ready ? "ready" : "not ready: " + status.reason)
    + ", generation " + status.generation + ", up " + span(status.now - status.started) + ", " + rate
    + total.requests + " requests, " + total.connections + " connections";
  const processes = status.admin ? status.workers.concat(status.admin) : status.workers;
  fill(at("workers"), ["worker", "pid", "generation", "state", "up", "connections", "requests"],
    processes.map(p => [p === status.admin ? "admin" : p.slot, p.pid, p.generation, p.state, span(status.now - p.started),
      p.connections, p.requests]));
  fill(at("sites"), ["site", "requests", "2xx", "3xx", "4xx", "5xx"],
    status.sites.map(s => [s.name, s.requests, s.codes["2xx"], s.codes["3xx"], s.codes["4xx"], s.codes["5xx"]]));
  const last = status.reloads.last;
  at("reload").textContent = last
    ? "last reload " + new Date(last.at * 1000).toLocaleString() + (last.ok ? ": ok" : ": failed\n" + last.message) : "";
}
async function refresh() {
  try {
    show(await (await fetch("/status", { cache: "no-store" })).json());
  } catch (error) {
    at("summary").textContent = "no answer: " + error.message;
  }
  setTimeout(refresh, 2000);
}
refresh();
</script>
</body>
</html>
)page";

}  // namespace holdfast::admin
