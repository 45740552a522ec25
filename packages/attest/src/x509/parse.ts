// From PEM or DER to a certificate: asn1js reads the structure, node:crypto takes the key.
import type { KeyObject } from 'node:crypto';
import { createPublicKey } from 'node:crypto';
import { keyIdOf } from '../keys.ts';
import type { Certificate, CertificateResult } from './certificate.ts';
import { certificateBytesMax } from './certificate.ts';
import { childrenOf, contentOf, encodingOf, readDer } from './der.ts';
import type { DistinguishedName } from './distinguished-name.ts';
import { readName } from './distinguished-name.ts';
import type { ExtensionFields } from './extensions.ts';
import { readExtensions } from './extensions.ts';
import { readFulcio } from './fulcio.ts';
import { firstPemBlock } from './pem.ts';
import { schemeOf } from './signature-scheme.ts';
import type { CertificateParts } from './structure.ts';
import { readParts } from './structure.ts';
import { readTime } from './time.ts';

/** Reads a certificate in PEM or DER. Never throws. */
export function parseCertificate(bytes: Uint8Array): CertificateResult {
	return bytes[0] === sequenceTag ? parseCertificateDer(bytes) : parseCertificatePem(bytes);
}

const sequenceTag = 0x30;

/** PEM alone, as go-witness: the first block, whatever its label. */
export function parseCertificatePem(bytes: Uint8Array): CertificateResult {
	if (bytes.length > certificateBytesMax) return tooLarge;
	const block = firstPemBlock(bytes);
	return block ? parseCertificateDer(block.der) : invalid('expected a certificate in PEM');
}

export function parseCertificateDer(der: Uint8Array): CertificateResult {
	if (der.length > certificateBytesMax) return tooLarge;
	const node = readDer(der);
	if (!node) return invalid('expected one DER structure');
	const parts = readParts(node);
	return typeof parts === 'string' ? invalid(parts) : readCertificate(der, parts);
}

function readCertificate(der: Uint8Array, parts: CertificateParts): CertificateResult {
	const { tbs, serial, algorithm, issuer, validity, subject, spki, extensions, signature, version } = parts;
	const subjectName = readName(subject);
	if (!subjectName || !readName(issuer)) return invalid('subject and issuer: expected names');
	const [notBeforeMs = null, notAfterMs = null] = childrenOf(validity).map(readTime);
	if (notBeforeMs === null || notAfterMs === null) return invalid('validity: expected two times');
	const key = readKey(encodingOf(spki));
	if (!key) return invalid('public key: cannot be read');
	const read = readExtensions(extensions);
	if (read.kind === 'invalid') return invalid(read.reason);
	const fulcio = readFulcio(extensions);
	const certificate: Certificate = {
		der,
		key,
		keyId: keyIdOf(key),
		...namesOf(subjectName, read.fields),
		notBeforeMs,
		notAfterMs,
		fulcio: fulcio.values,
		fulcioReason: fulcio.reason,
		path: {
			subjectDer: encodingOf(subject),
			issuerDer: encodingOf(issuer),
			spkiDer: encodingOf(spki),
			tbsDer: encodingOf(tbs),
			serial: contentOf(serial),
			signature,
			signatureScheme: schemeOf(algorithm),
			version,
			...pathOf(read.fields),
		},
	};
	return { kind: 'certificate', certificate };
}

const namesOf = (
	{ text, commonName, organizations }: DistinguishedName,
	{ alternativeNames }: ExtensionFields,
): Pick<Certificate, 'subject' | 'commonName' | 'organizations' | 'dnsNames' | 'emails' | 'uris'> => ({
	subject: text,
	commonName,
	organizations,
	dnsNames: alternativeNames?.dnsNames ?? [],
	emails: alternativeNames?.emails ?? [],
	uris: alternativeNames?.uris ?? [],
});

function pathOf({
	alternativeNames,
	...fields
}: ExtensionFields): Omit<
	Certificate['path'],
	'subjectDer' | 'issuerDer' | 'spkiDer' | 'tbsDer' | 'serial' | 'signature' | 'signatureScheme' | 'version'
> {
	return {
		...fields,
		alternativeNameDer: alternativeNames?.der ?? null,
		ipAddresses: alternativeNames?.ipAddresses ?? [],
	};
}

const curves: ReadonlySet<string | undefined> = new Set(['secp224r1', 'prime256v1', 'secp384r1', 'secp521r1']);

/** null for what Go's x509 cannot use either; a key of another kind is read and verifies nothing. */
function readKey(spki: Uint8Array): KeyObject | null {
	try {
		const der = Buffer.from(spki.buffer, spki.byteOffset, spki.byteLength);
		const key = createPublicKey({ key: der, format: 'der', type: 'spki' });
		const readable = key.asymmetricKeyType !== 'ec' || curves.has(key.asymmetricKeyDetails?.namedCurve);
		return readable ? key : null;
	} catch {
		return null;
	}
}

const invalid = (reason: string): CertificateResult => ({ kind: 'invalid', reason: `certificate: ${reason}` });
const tooLarge = invalid(`expected at most ${certificateBytesMax} bytes`);
