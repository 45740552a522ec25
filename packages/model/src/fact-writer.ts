// A fact batch in Avro, written straight from the facts: what the correlator does most often beside reading events. File facts
// are by far the most, so they have a writer of their own; fact-writer.test.ts holds it all to the general codec.
import { compileFields, symbolsOf } from './avro/compile-writer.ts';
import { createWriter, takeWritten, type Writer, writeBoolean, writeLong } from './avro/writer.ts';
import type { FactChainLink, Facts, FileFact } from './facts.ts';
import { frameBytes, writeFrame } from './frame.ts';
import type { Assurance, FileOp } from './generated/session.ts';
import { currentSchema, versionsOf } from './schema-history.ts';
import { StringTable } from './string-table.ts';

const schema = currentSchema('session');
const schemaId = versionsOf('session').at(-1)?.id ?? 0;
const fields = [...compileFields(schema)];
const fileOps = symbolsOf<FileOp>(schema, 'FileOp');
const assurances = symbolsOf<Assurance>(schema, 'Assurance');

const writer = createWriter();
/** Indices of the file facts' strings, seven a fact, in the order in which they are written. */
let indices = new Int32Array(1024);
const stringsPerFile = 7;

/** The batch behind its frame, in its own memory. Throws on a number or symbol that the schema does not hold: a bug. */
export function writeFactBatch(link: FactChainLink, facts: Facts): Buffer {
	const table = new StringTable();
	indexStrings(facts.files, table);
	writer.at = frameBytes;
	for (const [name, write] of fields)
		if (name === 'files') writeFiles(writer, facts.files);
		else write(writer, fieldOf(name, link, facts, table) as never);
	writeFrame(writer.bytes, schemaId);
	return takeWritten(writer);
}

function fieldOf(name: string, link: FactChainLink, facts: Facts, table: StringTable): unknown {
	if (name === 'strings') return table.strings;
	return name in facts ? facts[name as keyof Facts] : link[name as keyof FactChainLink];
}

function indexStrings(files: readonly FileFact[], table: StringTable): void {
	if (indices.length < files.length * stringsPerFile)
		indices = new Int32Array(Math.max(indices.length * 2, files.length * stringsPerFile));
	let at = 0;
	// Files come in runs of one process and one writer.
	let execId = '';
	let execIndex = 0;
	for (const file of files) {
		if (file.execId !== execId) {
			execId = file.execId;
			execIndex = table.index(execId);
		}
		indices[at++] = execIndex;
		indices[at++] = table.index(file.path);
		indices[at++] = file.path2 === '' ? 0 : table.index(file.path2);
		indices[at++] = table.index(file.ino);
		indices[at++] = file.digest === '' ? 0 : table.index(file.digest);
		indices[at++] = file.heldBy === '' ? 0 : table.index(file.heldBy);
		indices[at++] = file.writer === '' ? 0 : file.writer === execId ? execIndex : table.index(file.writer);
	}
}

/** PackedFileFact of schemas/session.avsc. */
function writeFiles(to: Writer, files: readonly FileFact[]): void {
	if (files.length > 0) writeLong(to, files.length);
	let at = 0;
	for (const file of files) {
		writeLong(to, fileOps.indexOf(file.op));
		writeLong(to, indices[at++] as number);
		writeBoolean(to, file.foreign);
		writeLong(to, indices[at++] as number);
		writeLong(to, indices[at++] as number);
		writeLong(to, file.dev);
		writeLong(to, indices[at++] as number);
		writeLong(to, file.version);
		writeLong(to, file.size);
		writeLong(to, file.flags);
		writeLong(to, indices[at++] as number);
		writeLong(to, assurances.indexOf(file.assurance));
		writeLong(to, file.otherSize);
		writeLong(to, indices[at++] as number);
		writeLong(to, indices[at++] as number);
		writeBoolean(to, file.writerForeign);
		writeLong(to, file.firstUs);
		writeLong(to, file.lastUs);
		writeLong(to, file.count);
		writeLong(to, file.copies);
	}
	writeLong(to, 0);
}
