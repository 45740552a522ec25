// A session's facts as the stages work on them, and their packed form in topic `session`.
import { createHash } from 'node:crypto';
import { factBatchCodec } from './codec.ts';
import { writeFactBatch } from './fact-writer.ts';
import type {
	Assurance,
	ClosedFact,
	ConnectFact,
	ExitFact,
	FileOp,
	GapFact,
	NoteFact,
	OpenedFact,
	PackedFileFact,
	ProcessFact,
	ProductFact,
	PtraceFact,
} from './generated/session.ts';

/** Equal file operations, folded (schemas/session.avsc, PackedFileFact, says what each field means). */
export interface FileFact {
	op: FileOp;
	execId: string;
	foreign: boolean;
	path: string;
	path2: string;
	dev: number;
	ino: string;
	version: number;
	size: number;
	flags: number;
	digest: string;
	assurance: Assurance;
	otherSize: number;
	heldBy: string;
	writer: string;
	writerForeign: boolean;
	firstUs: number;
	lastUs: number;
	count: number;
	copies: number;
}

/** The facts of one batch, or of a whole session. */
export interface Facts {
	opened: OpenedFact | null;
	processes: ProcessFact[];
	exits: ExitFact[];
	files: FileFact[];
	connections: ConnectFact[];
	ptraces: PtraceFact[];
	gaps: GapFact[];
	notes: NoteFact[];
	products: ProductFact[];
	closed: ClosedFact | null;
	/**
	 * Silences of the host that have not ended (cause `sensor-silent`): good for a lead and for nothing else. One that lasts is
	 * among `gaps` when the session closes; one that ended well is no fact.
	 */
	silences?: GapFact[];
}

/** How a silence that goes on is told from a gap in the packed form. */
const unendedDetail = 'not ended';
const silentCause = 'sensor-silent';

export const emptyFacts = (): Facts => ({
	opened: null,
	processes: [],
	exits: [],
	files: [],
	connections: [],
	ptraces: [],
	gaps: [],
	notes: [],
	products: [],
	closed: null,
});

export interface FactChainLink {
	session: string;
	sequence: number;
	/** sha256 of the encoded batch before; 32 zero bytes for the first. */
	previous: Uint8Array;
	watermarkUs: number;
}

export const chainStart: Buffer = Buffer.alloc(32);

/** Encodes one link of a session's fact chain; `head` is what the next link names as `previous`. */
export function encodeFactBatch(link: FactChainLink, facts: Facts): { bytes: Uint8Array; head: Uint8Array } {
	const { silences } = facts;
	const packed = silences === undefined ? facts : { ...facts, gaps: [...facts.gaps, ...silences.map(asUnended)] };
	const bytes = writeFactBatch(link, packed);
	return { bytes, head: factHead(bytes) };
}

/** Sequence of a sighting: a batch of what was seen on arrival, before it is settled. It is no link of the chain and no fact. */
export const sightingSequence = -1;

export const isSighting = ({ sequence }: Pick<FactChainLink, 'sequence'>): boolean => sequence === sightingSequence;

/** Note by which the correlator takes a session back that it has sighted and that did not open. */
export const sightingWithdrawn = 'sighting-withdrawn';

/** What leads are made of, of one session: good for leads and for nothing else. */
export const encodeSighting = (session: string, watermarkUs: number, facts: Facts): Uint8Array =>
	writeFactBatch({ session, sequence: sightingSequence, previous: chainStart, watermarkUs }, facts);

/** True for the same head, whichever kind of array holds it. */
export const sameHead = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

export const factHead = (bytes: Uint8Array): Uint8Array => createHash('sha256').update(bytes).digest();

/** Throws on bytes that are no fact batch. */
export function decodeFactBatch(bytes: Uint8Array): { link: FactChainLink; facts: Facts } {
	const { session, sequence, previous, watermarkUs, strings, files, ...rest } = factBatchCodec.decode(bytes);
	const text = (index: number): string => {
		const value = strings[index];
		if (value === undefined)
			throw new RangeError(`strings: index ${index} of ${strings.length}: expected an index into the table`);
		return value;
	};
	return {
		link: { session, sequence, previous, watermarkUs },
		facts: withSilences({ ...rest, files: files.map((f) => unpackFile(f, text)) }),
	};
}

const asUnended = (silence: GapFact): GapFact => ({ ...silence, cause: silentCause, detail: unendedDetail });

const isUnended = (gap: GapFact): boolean => gap.cause === silentCause && gap.detail === unendedDetail;

function withSilences(facts: Facts): Facts {
	if (!facts.gaps.some(isUnended)) return facts;
	return { ...facts, gaps: facts.gaps.filter((gap) => !isUnended(gap)), silences: facts.gaps.filter(isUnended) };
}

function unpackFile(f: PackedFileFact, text: (index: number) => string): FileFact {
	return {
		op: f.op,
		execId: text(f.execId),
		foreign: f.foreign,
		path: text(f.path),
		path2: text(f.path2),
		dev: f.dev,
		ino: text(f.ino),
		version: f.version,
		size: f.size,
		flags: f.flags,
		digest: text(f.digest),
		assurance: f.assurance,
		otherSize: f.otherSize,
		heldBy: text(f.heldBy),
		writer: text(f.writer),
		writerForeign: f.writerForeign,
		firstUs: f.firstUs,
		lastUs: f.lastUs,
		count: f.count,
		copies: f.copies,
	};
}
