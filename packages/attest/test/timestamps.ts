// RFC 3161 tokens for the tests: right ones, and ones with one thing wrong.
import { createHash, sign } from 'node:crypto';
import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import type { Issued } from './authority.ts';

export interface TimestampFields {
	/** The stamp's time. */
	at: Date;
	/** Signing-time attribute; by default the stamp's, null for none. */
	signingTime?: Date | null;
	/** Certificates of the token, by default the authority's alone. */
	certificates?: readonly Issued[];
	/** What is stamped in place of the signature's sha256. */
	imprint?: { algorithm: string; digest: Uint8Array };
	/** Message digest in place of the right one. */
	messageDigest?: Uint8Array;
	contentType?: string;
	/** How many times the signer signs. */
	signers?: number;
	withoutSignedAttributes?: boolean;
	digest?: 'sha1' | 'sha256' | 'sha384' | 'sha512';
	criticalExtension?: boolean;
	/** Changed after signing. */
	tamper?: (tstInfo: Uint8Array) => void;
}

const oid = {
	tstInfo: '1.2.840.113549.1.9.16.1.4',
	contentType: '1.2.840.113549.1.9.3',
	messageDigest: '1.2.840.113549.1.9.4',
	signingTime: '1.2.840.113549.1.9.5',
	sha1: '1.3.14.3.2.26',
	sha256: '2.16.840.1.101.3.4.2.1',
	sha384: '2.16.840.1.101.3.4.2.2',
	sha512: '2.16.840.1.101.3.4.2.3',
};

const signatureOids = {
	ed25519: { sha1: '1.3.101.112', sha256: '1.3.101.112', sha384: '1.3.101.112', sha512: '1.3.101.112' },
	rsa: {
		sha1: '1.2.840.113549.1.1.5',
		sha256: '1.2.840.113549.1.1.11',
		sha384: '1.2.840.113549.1.1.12',
		sha512: '1.2.840.113549.1.1.13',
	},
	ec: {
		sha1: '1.2.840.10045.4.1',
		sha256: '1.2.840.10045.4.3.2',
		sha384: '1.2.840.10045.4.3.3',
		sha512: '1.2.840.10045.4.3.4',
	},
};

const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest();

/** DER of the token that `authority` gives for the raw bytes of a signature. */
export function makeTimestamp(authority: Issued, signature: Uint8Array, fields: TimestampFields): Buffer {
	const { contentType = oid.tstInfo, signers = 1, certificates = [authority], tamper } = fields;
	const content = new Uint8Array(tstInfo(signature, fields).toSchema().toBER());
	const signerInfos = Array.from({ length: signers }, () => signerInfo(authority, content, fields));
	tamper?.(content);
	const signedData = new pkijs.SignedData({
		version: 3,
		digestAlgorithms: [new pkijs.AlgorithmIdentifier({ algorithmId: oid[fields.digest ?? 'sha256'] })],
		encapContentInfo: new pkijs.EncapsulatedContentInfo({
			eContentType: contentType,
			eContent: new asn1js.OctetString({ valueHex: toArrayBuffer(content) }),
		}),
		...(certificates.length > 0 && { certificates: certificates.map(({ der }) => pkijs.Certificate.fromBER(der)) }),
		signerInfos,
	});
	const info = new pkijs.ContentInfo({ contentType: '1.2.840.113549.1.7.2', content: signedData.toSchema(true) });
	return Buffer.from(info.toSchema().toBER());
}

/** The whole response that an authority sends; go-witness wants the token alone. */
export function makeTimestampResponse(token: Uint8Array): Buffer {
	const status = new asn1js.Sequence({ value: [new asn1js.Integer({ value: 0 })] });
	return Buffer.from(new asn1js.Sequence({ value: [status, asn1js.fromBER(token).result] }).toBER());
}

function tstInfo(signature: Uint8Array, { at, imprint, criticalExtension }: TimestampFields): pkijs.TSTInfo {
	const { algorithm, digest } = imprint ?? { algorithm: oid.sha256, digest: sha256(signature) };
	const info = new pkijs.TSTInfo({
		version: 1,
		policy: '1.2.3.4',
		messageImprint: new pkijs.MessageImprint({
			hashAlgorithm: new pkijs.AlgorithmIdentifier({ algorithmId: algorithm }),
			hashedMessage: new asn1js.OctetString({ valueHex: toArrayBuffer(digest) }),
		}),
		serialNumber: new asn1js.Integer({ value: 7 }),
		genTime: at,
	});
	if (criticalExtension)
		info.extensions = [new pkijs.Extension({ extnID: '1.2.3.5', critical: true, extnValue: new ArrayBuffer(2) })];
	return info;
}

function signerInfo(authority: Issued, content: Uint8Array, fields: TimestampFields): pkijs.SignerInfo {
	const { digest = 'sha256', withoutSignedAttributes = false } = fields;
	const certificate = pkijs.Certificate.fromBER(authority.der);
	const family = authority.kind === 'ed25519' ? 'ed25519' : authority.kind === 'rsa' ? 'rsa' : 'ec';
	const info = new pkijs.SignerInfo({
		version: 1,
		sid: new pkijs.IssuerAndSerialNumber({ issuer: certificate.issuer, serialNumber: certificate.serialNumber }),
		digestAlgorithm: new pkijs.AlgorithmIdentifier({ algorithmId: oid[digest] }),
		signatureAlgorithm: new pkijs.AlgorithmIdentifier({ algorithmId: signatureOids[family][digest] }),
	});
	let signed: Uint8Array = content;
	if (!withoutSignedAttributes) {
		info.signedAttrs = new pkijs.SignedAndUnsignedAttributes({ type: 0, attributes: attributes(content, fields) });
		signed = new Uint8Array(info.signedAttrs.toSchema().toBER());
		// Signed as a SET, sent as [0].
		signed[0] = 0x31;
	}
	const value = sign(family === 'ed25519' ? null : digest, signed, authority.privateKey);
	info.signature = new asn1js.OctetString({ valueHex: toArrayBuffer(value) });
	return info;
}

function attributes(content: Uint8Array, fields: TimestampFields): pkijs.Attribute[] {
	const { at, signingTime = at, digest = 'sha256', contentType = oid.tstInfo } = fields;
	const messageDigest = fields.messageDigest ?? createHash(digest).update(content).digest();
	const list = [
		new pkijs.Attribute({ type: oid.contentType, values: [new asn1js.ObjectIdentifier({ value: contentType })] }),
	];
	if (signingTime)
		list.push(new pkijs.Attribute({ type: oid.signingTime, values: [new asn1js.UTCTime({ valueDate: signingTime })] }));
	const value = new asn1js.OctetString({ valueHex: toArrayBuffer(messageDigest) });
	list.push(new pkijs.Attribute({ type: oid.messageDigest, values: [value] }));
	return list;
}

const toArrayBuffer = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer as ArrayBuffer;
