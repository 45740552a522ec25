// What a receiver gets: one finding as plain JSON, under an id that stays the same over every retry and restart.
import { sha256Hex } from '@affidavit/model/digests.ts';
import type { Finding } from '@affidavit/model/generated/finding.ts';

export interface AlertMessage {
	/** Header `webhook-id`: finding id, state and revision (the content's digest). No full stop in it, as Standard Webhooks asks. */
	id: string;
	/** JSON text. */
	body: string;
}

/** Bytes of a body; evidence is left out from the end to stay below. */
const bodyBytesMax = 256 * 1024;
const evidenceKept = 32;
/** Long texts of one field, when a body is too large. */
const textCharsMax = 2048;

/** `type` is `finding.confirmed`, `finding.lead` or `finding.withdrawn`; `timestamp` is event time, so that a replay sends the same bytes. */
export function alertMessage(finding: Finding): AlertMessage {
	let body = bodyOf(finding, false);
	if (Buffer.byteLength(body) > bodyBytesMax) body = bodyOf(shortened(finding), true);
	const revision = sha256Hex(body).slice(0, 16);
	return { id: `fnd_${finding.id}_${finding.state}_${revision}`, body };
}

const bodyOf = (finding: Finding, shortenedBody: boolean): string =>
	JSON.stringify({
		type: `finding.${finding.state}`,
		timestamp: isoTime(finding.lastUs),
		...finding,
		...(shortenedBody ? { shortened: true } : {}),
	});

/** Event times may be any number that a host sent. */
function isoTime(us: number): string {
	const time = new Date(us / 1000);
	return Number.isNaN(time.getTime()) ? new Date(0).toISOString() : time.toISOString();
}

const cut = (text: string): string => (text.length > textCharsMax ? `${text.slice(0, textCharsMax)}…` : text);
const cutProcess = <T extends Finding['process']>(process: T): T =>
	process === null ? process : { ...process, binary: cut(process.binary), arguments: cut(process.arguments) };

const shortened = (f: Finding): Finding => ({
	...f,
	path: f.path === null ? null : cut(f.path),
	explanation: cut(f.explanation),
	process: cutProcess(f.process),
	writer: cutProcess(f.writer),
	products: f.products.slice(0, evidenceKept).map(cut),
	evidence: f.evidence
		.slice(0, evidenceKept)
		.map((e) => ({ ...e, what: cut(e.what), path: cut(e.path), process: cutProcess(e.process) })),
});
