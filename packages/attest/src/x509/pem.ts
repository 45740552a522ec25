// The first PEM block of a text, as Go's encoding/pem finds it: label and headers are the sender's business, the bytes are ours.

export interface PemBlock {
	/** CERTIFICATE, PUBLIC KEY, ... */
	label: string;
	der: Buffer;
}

const begin = '-----BEGIN ';
const dashes = '-----';

/** Blocks that are looked at before the text is given up. */
const attemptsMax = 16;

/** null when there is none. What stands before and after it is not looked at. */
export function firstPemBlock(bytes: Uint8Array): PemBlock | null {
	const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
	let from = 0;
	for (let attempt = 0; attempt < attemptsMax; attempt++) {
		const start = text.indexOf(begin, from);
		if (start < 0) return null;
		from = start + begin.length;
		if (start > 0 && text[start - 1] !== '\n') continue;
		const lineEnd = endOfLine(text, from);
		const labelLine = text.slice(from, lineEnd).trimEnd();
		if (!labelLine.endsWith(dashes)) continue;
		const label = labelLine.slice(0, -dashes.length);
		const end = text.indexOf(`${dashes}END ${label}${dashes}`, lineEnd);
		if (end < 0 || text[end - 1] !== '\n') continue;
		const der = decodeBody(text.slice(lineEnd, end));
		if (der) return { label, der };
	}
	return null;
}

const endOfLine = (text: string, from: number): number => {
	const end = text.indexOf('\n', from);
	return end < 0 ? text.length : end + 1;
};

/** Body after its headers (`Name: value` lines); null when it is not base64. */
function decodeBody(text: string): Buffer | null {
	let from = 0;
	for (;;) {
		const end = endOfLine(text, from);
		if (end === from || !text.slice(from, end).includes(':')) break;
		from = end;
	}
	const body = text.slice(from).replaceAll(/[ \t\r\n]/g, '');
	if (body.length === 0 || body.length % 4 !== 0 || body.includes('-') || body.includes('_')) return null;
	const der = Buffer.from(body, 'base64');
	const padding = body.endsWith('==') ? 2 : body.endsWith('=') ? 1 : 0;
	return der.length === (body.length / 4) * 3 - padding ? der : null;
}
