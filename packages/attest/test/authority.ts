// Authorities, certificates and timestamps for the tests, made when the test runs. Nothing of the code under test is used.
import 'reflect-metadata';
import type { KeyObject } from 'node:crypto';
import { createHash, generateKeyPairSync } from 'node:crypto';
import * as x509 from '@peculiar/x509';
import * as asn1js from 'asn1js';

// Tests take these from here: the library wants reflect-metadata before it.
export { Extension, KeyUsageFlags } from '@peculiar/x509';

export type KeyKind = 'ed25519' | 'p256' | 'p384' | 'p521' | 'rsa';

export interface Issued {
	der: Buffer;
	pem: string;
	/** Public half. */
	key: KeyObject;
	privateKey: KeyObject;
	kind: KeyKind;
	/** Witness's key id of the public key. */
	keyId: string;
	/** As it was given: CN=..., O=... */
	name: string;
}

export interface CertificateFields {
	/** RFC 4514 text, by default CN=test. */
	name?: string;
	kind?: KeyKind;
	/** An existing key in place of a new one. */
	keys?: { publicKey: KeyObject; privateKey: KeyObject };
	notBefore?: Date;
	notAfter?: Date;
	dnsNames?: string[];
	emails?: string[];
	uris?: string[];
	ipAddresses?: string[];
	/** null: no basic constraints at all. */
	isCa?: boolean | null;
	pathLength?: number;
	extendedKeyUsages?: string[];
	extendedKeyUsageCritical?: boolean;
	/** KeyUsageFlags of @peculiar/x509. */
	keyUsage?: number;
	/** Fulcio's extensions by the last arc of their OID: 1 to 6 raw, others UTF8String. */
	fulcio?: Record<number, string>;
	extensions?: x509.Extension[];
	/** Hash of the issuer's signature, by default SHA-256. */
	hash?: 'SHA-1' | 'SHA-256' | 'SHA-384' | 'SHA-512';
	/** Sign with RSA-PSS where the issuer's key is RSA. */
	pss?: boolean;
	serialNumber?: string;
	/** No subject and authority key identifiers. */
	withoutKeyIds?: boolean;
}

export const notBeforeDefault = new Date('2024-01-01T00:00:00Z');
export const notAfterDefault = new Date('2034-01-01T00:00:00Z');

const curveNames = { p256: 'P-256', p384: 'P-384', p521: 'P-521' } as const;

export function makeKeys(kind: KeyKind = 'p256'): { publicKey: KeyObject; privateKey: KeyObject } {
	if (kind === 'ed25519') return generateKeyPairSync('ed25519');
	if (kind === 'rsa') return generateKeyPairSync('rsa', { modulusLength: 2048 });
	return generateKeyPairSync('ec', { namedCurve: curveNames[kind] });
}

/** A self-signed authority, or one below `issuer`. */
export const makeAuthority = (fields: CertificateFields = {}, issuer?: Issued): Promise<Issued> =>
	issue({ name: 'CN=test authority', isCa: true, keyUsage: x509.KeyUsageFlags.keyCertSign, ...fields }, issuer);

export const issueLeaf = (issuer: Issued, fields: CertificateFields = {}): Promise<Issued> =>
	issue({ keyUsage: x509.KeyUsageFlags.digitalSignature, ...fields }, issuer);

export const timeStampingUsage = '1.3.6.1.5.5.7.3.8';

/** A certificate that stamps times: timeStamping is its only extended key usage, and critical. */
export const makeTimestampAuthority = (issuer?: Issued, fields: CertificateFields = {}): Promise<Issued> =>
	issue(
		{
			name: 'CN=test timestamp authority',
			extendedKeyUsages: [timeStampingUsage],
			extendedKeyUsageCritical: true,
			...fields,
		},
		issuer,
	);

let serial = 0x1000;

/** Self-signed without an issuer. */
export async function issue(fields: CertificateFields, issuer?: Issued): Promise<Issued> {
	const { name = 'CN=test', kind = 'p256', keys = makeKeys(kind), hash = 'SHA-256', pss = false } = fields;
	const signer = issuer ?? { privateKey: keys.privateKey, key: keys.publicKey, kind, name };
	const publicKey = new x509.PublicKey(keys.publicKey.export({ type: 'spki', format: 'der' }));
	const issuerKey = new x509.PublicKey(signer.key.export({ type: 'spki', format: 'der' }));
	const certificate = await x509.X509CertificateGenerator.create({
		serialNumber: fields.serialNumber ?? (serial++).toString(16),
		subject: name,
		issuer: signer.name,
		notBefore: fields.notBefore ?? notBeforeDefault,
		notAfter: fields.notAfter ?? notAfterDefault,
		publicKey,
		signingKey: cryptoKey(signer.privateKey, signer.kind, hash, pss),
		signingAlgorithm: signingAlgorithm(signer.kind, hash, pss),
		extensions: await extensionsOf(fields, publicKey, issuerKey),
	});
	const der = Buffer.from(certificate.rawData);
	const pem = certificate.toString('pem');
	const spki = keys.publicKey.export({ type: 'spki', format: 'pem' }).toString();
	const keyId = createHash('sha256').update(spki).digest('hex');
	return { der, pem: `${pem}\n`, key: keys.publicKey, privateKey: keys.privateKey, kind, keyId, name };
}

type Extensions = x509.Extension[];

async function extensionsOf(
	fields: CertificateFields,
	key: x509.PublicKey,
	issuerKey: x509.PublicKey,
): Promise<Extensions> {
	const { isCa = false, extendedKeyUsages = [], extendedKeyUsageCritical = false, fulcio = {} } = fields;
	const extensions: Extensions = [];
	if (isCa !== null) extensions.push(new x509.BasicConstraintsExtension(isCa, fields.pathLength, true));
	if (fields.keyUsage !== undefined) extensions.push(new x509.KeyUsagesExtension(fields.keyUsage, true));
	if (extendedKeyUsages.length > 0)
		extensions.push(new x509.ExtendedKeyUsageExtension(extendedKeyUsages, extendedKeyUsageCritical));
	const names: x509.JsonGeneralName[] = [
		...(fields.dnsNames ?? []).map((value) => ({ type: 'dns', value }) as const),
		...(fields.emails ?? []).map((value) => ({ type: 'email', value }) as const),
		...(fields.uris ?? []).map((value) => ({ type: 'url', value }) as const),
		...(fields.ipAddresses ?? []).map((value) => ({ type: 'ip', value }) as const),
	];
	if (names.length > 0) extensions.push(new x509.SubjectAlternativeNameExtension(names));
	for (const [arc, text] of Object.entries(fulcio)) extensions.push(fulcioExtension(Number(arc), text));
	if (!fields.withoutKeyIds) {
		extensions.push(await x509.SubjectKeyIdentifierExtension.create(key));
		extensions.push(await x509.AuthorityKeyIdentifierExtension.create(issuerKey));
	}
	return [...extensions, ...(fields.extensions ?? [])];
}

export function fulcioExtension(arc: number, text: string): x509.Extension {
	const raw = Buffer.from(text, 'utf8');
	const value = arc <= 6 ? raw : new asn1js.Utf8String({ value: text }).toBER();
	return new x509.Extension(`1.3.6.1.4.1.57264.1.${arc}`, false, value);
}

interface SigningAlgorithm {
	name: string;
	hash?: string;
	namedCurve?: string;
	saltLength?: number;
}

const saltLengths = { 'SHA-1': 20, 'SHA-256': 32, 'SHA-384': 48, 'SHA-512': 64 };

function signingAlgorithm(kind: KeyKind, hash: keyof typeof saltLengths, pss: boolean): SigningAlgorithm {
	if (kind === 'ed25519') return { name: 'Ed25519' };
	if (kind !== 'rsa') return { name: 'ECDSA', hash, namedCurve: curveNames[kind] };
	return pss ? { name: 'RSA-PSS', hash, saltLength: saltLengths[hash] } : { name: 'RSASSA-PKCS1-v1_5', hash };
}

const cryptoKey = (
	key: KeyObject,
	kind: KeyKind,
	hash: keyof typeof saltLengths,
	pss: boolean,
): ReturnType<KeyObject['toCryptoKey']> => key.toCryptoKey(signingAlgorithm(kind, hash, pss), true, ['sign']);
