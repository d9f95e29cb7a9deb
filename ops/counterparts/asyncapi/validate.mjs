// Reads an AsyncAPI document from standard input and prints what AsyncAPI's own parser finds: [{severity, path, message}].
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { pathToFileURL } from "node:url";

const require = createRequire(pathToFileURL(`${process.argv[2]}/`));
const { Parser } = require("@asyncapi/parser");
const { AvroSchemaParser } = require("@asyncapi/avro-schema-parser");

const parser = new Parser();
parser.registerSchemaParser(AvroSchemaParser());
const { document, diagnostics } = await parser.parse(readFileSync(0, "utf8"));
const found = diagnostics.map(({ severity, path, message }) => ({ severity, path: path.join("."), message }));
const messages = document ? document.allMessages().all().map((each) => each.id()) : null;
console.log(JSON.stringify({ messages, found }));
