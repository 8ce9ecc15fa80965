// Copyright (c) 2026 trailbridge contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later
// Reads {"schemas": {table: "(column:type, …)"}, "queries": [text]} and writes the list of messages about each query.
// Argument: the folder of the package @kusto/language-service-next.
"use strict";

const library = process.argv[2];
require(`${library}/bridge.min.js`);
require(`${library}/Kusto.Language.Bridge.min.js`);
const { GlobalState, KustoCode, Symbols } = Kusto.Language;

const { schemas, queries } = JSON.parse(require("fs").readFileSync(0, "utf8"));
// "ctor" and "$ctor7" are the names of .NET's overloaded constructors.
const tables = Object.entries(schemas).map(([name, columns]) => new Symbols.TableSymbol.$ctor7(name, columns, null));
const globals = GlobalState.Default.WithDatabase(new Symbols.DatabaseSymbol.ctor("workspace", tables));

function messages(query) {
  const found = KustoCode.ParseAndAnalyze(query, globals).GetDiagnostics();
  return Array.from({ length: found.Count }, (_unused, index) => found.getItem(index).Message);
}

process.stdout.write(JSON.stringify(queries.map(messages)));
