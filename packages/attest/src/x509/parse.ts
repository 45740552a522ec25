// From PEM or DER to a certificate: pkijs holds the structure to its schema, node:crypto takes the key, the rest is read from them.
import type { KeyObject } from 'node:crypto';
import { createPublicKey } from 'node:crypto';
import * as pkijs from 'pkijs';
import { keyIdOf } from '../keys.ts';
import type { Certificate, CertificateResult } from './certificate.ts';
import { certificateBytesMax } from './certificate.ts';
import type { DerNode } from './der.ts';
import { childrenOf, contentOf, encodingOf, isContext, readDer, sameBytes } from './der.ts';
import type { DistinguishedName } from './distinguished-name.ts';
import { readName } from './distinguished-name.ts';
import type { ExtensionFields, RawExtension } from './extensions.ts';
import { readExtensions } from './extensions.ts';
import { readFulcio } from './fulcio.ts';
import { firstPemBlock } from './pem.ts';
import { schemeOf } from './signature-scheme.ts';
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
	try {
		return readCertificate(der, node, new pkijs.Certificate({ schema: node }));
	} catch {
		return invalid('expected an X.509 certificate');
	}
}

function readCertificate(der: Uint8Array, node: DerNode, parsed: pkijs.Certificate): CertificateResult {
	const [tbs, outerAlgorithm] = childrenOf(node) as [DerNode, DerNode];
	const parts = childrenOf(tbs);
	// Only the version is optional before the key.
	const [serial, algorithm, issuer, validity, subject, spki] = (isContext(parts[0], 0) ? parts.slice(1) : parts) as [
		DerNode,
		DerNode,
		DerNode,
		DerNode,
		DerNode,
		DerNode,
	];
	if (parsed.version > 2) return invalid('version: expected 1 to 3');
	if (((contentOf(serial)[0] ?? 0x80) & 0x80) !== 0) return invalid('serial number: expected a positive one');
	if (!sameBytes(encodingOf(algorithm), encodingOf(outerAlgorithm)))
		return invalid('signature algorithm: the two do not agree');
	const subjectName = readName(subject);
	if (!subjectName || !readName(issuer)) return invalid('subject and issuer: expected names');
	const [notBeforeMs = null, notAfterMs = null] = childrenOf(validity).map(readTime);
	if (notBeforeMs === null || notAfterMs === null) return invalid('validity: expected two times');
	const key = readKey(encodingOf(spki));
	if (!key || parsed.subjectPublicKeyInfo.subjectPublicKey.valueBlock.unusedBits !== 0)
		return invalid('public key: cannot be read');
	if (parsed.signatureValue.valueBlock.unusedBits !== 0) return invalid('signature: expected whole bytes');
	if (parsed.version < 2 && parsed.extensions) return invalid('extensions: only version 3 has them');
	const raw = (parsed.extensions ?? []).map(rawExtension);
	const read = readExtensions(raw);
	if (read.kind === 'invalid') return read;
	const fulcio = readFulcio(raw);
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
			signature: parsed.signatureValue.valueBlock.valueHexView,
			signatureScheme: schemeOf(parsed.signatureAlgorithm),
			version: parsed.version + 1,
			...pathOf(read.fields),
		},
	};
	return { kind: 'certificate', certificate };
}

const rawExtension = ({ extnID, critical, extnValue }: pkijs.Extension): RawExtension => ({
	id: extnID,
	critical,
	value: extnValue.valueBlock.valueHexView,
});

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
