// Reading of a TimeStampToken: CMS by pkijs, certificates by our own reader. Nothing is verified here.
import * as pkijs from 'pkijs';
import type { Certificate, SignatureScheme } from './certificate.ts';
import type { CertificateCache } from './certificate-cache.ts';
import { readCached } from './certificate-cache.ts';
import type { DerNode } from './der.ts';
import { childrenOf, contentOf, encodingOf, isContext, readBer, readDer, sameBytes } from './der.ts';
import { parseCertificateDer } from './parse.ts';
import type { HashName, Sha1Scheme } from './signature-scheme.ts';
import { hashNames, schemeOfAlgorithm } from './signature-scheme.ts';
import { readPreciseTime, readTime } from './time.ts';

export interface TimestampToken {
	/** The TSTInfo's encoding. */
	content: Uint8Array;
	/** Of the content, as the signed attributes have it; null without them. */
	messageDigest: Uint8Array | null;
	digest: HashName | 'sha1';
	/** What the signature is over: the encoding of the signed attributes, or the content. */
	signed: Uint8Array;
	signatureValue: Uint8Array;
	scheme: SignatureScheme | Sha1Scheme;
	signer: Certificate;
	certificates: Certificate[];
	/** Unix time in milliseconds of the signing-time attribute; null without it. */
	signingMs: number | null;
	/** Unix time in milliseconds of the stamp. */
	atMs: number;
	/** sha256 of what was stamped. */
	imprint: Uint8Array;
}

export type TokenResult = { kind: 'token'; token: TimestampToken } | { kind: 'refused'; reason: string };

/** Largest token that is read, bytes. */
export const timestampBytesMax = 256 * 1024;
/** Certificates of one token. */
export const tokenCertificatesMax = 32;

const oid = {
	signedData: '1.2.840.113549.1.7.2',
	tstInfo: '1.2.840.113549.1.9.16.1.4',
	contentType: '1.2.840.113549.1.9.3',
	messageDigest: '1.2.840.113549.1.9.4',
	signingTime: '1.2.840.113549.1.9.5',
	rsaEncryption: '1.2.840.113549.1.1.1',
	sha256: '2.16.840.1.101.3.4.2.1',
	sha1: '1.3.14.3.2.26',
	sha1WithRsa: '1.2.840.113549.1.1.5',
	ecdsaWithSha1: '1.2.840.10045.4.1',
};

/** `lenient`: also what only go-witness takes. */
export function readToken(bytes: Uint8Array, lenient: boolean, cache?: CertificateCache): TokenResult {
	if (bytes.length > timestampBytesMax) return refused(`expected at most ${timestampBytesMax} bytes`);
	const node = readBer(bytes, lenient);
	if (!node) return refused('expected one ASN.1 structure');
	try {
		return readContentInfo(node, lenient, cache);
	} catch {
		return refused('expected a CMS TimeStampToken (a whole TimeStampResp is none)');
	}
}

function readContentInfo(node: DerNode, lenient: boolean, cache: CertificateCache | undefined): TokenResult {
	const info = new pkijs.ContentInfo({ schema: node });
	if (info.contentType !== oid.signedData) return refused('expected CMS signed data');
	const content = info.content as DerNode;
	const signedData = new pkijs.SignedData({ schema: content });
	const { eContentType, eContent } = signedData.encapContentInfo;
	if ((eContentType !== oid.tstInfo && !lenient) || !eContent)
		return refused('expected signed data that holds a TSTInfo');
	const [signerInfo, ...others] = signedData.signerInfos;
	if (!signerInfo || others.length > 0) return refused(`expected one signer, found ${signedData.signerInfos.length}`);
	const certificates = readCertificates(content, cache);
	if (typeof certificates === 'string') return refused(certificates);
	const signer = certificates.find((certificate) => isNamed(certificate, signerInfo));
	if (!signer) return refused('the certificate of its signer is not in it');
	const tstInfo = new Uint8Array(eContent.getValue());
	const signature = readSignature(signerInfo, tstInfo, lenient);
	if (typeof signature === 'string') return refused(signature);
	const stamp = readTstInfo(tstInfo, lenient);
	if (typeof stamp === 'string') return refused(stamp);
	return { kind: 'token', token: { content: tstInfo, signer, certificates, ...signature, ...stamp } };
}

/** Or why not. One that cannot be read spoils the token, as in go-witness. */
function readCertificates(signedData: DerNode, cache: CertificateCache | undefined): Certificate[] | string {
	const set = childrenOf(signedData).find((part) => isContext(part, 0));
	const nodes = childrenOf(set);
	if (nodes.length > tokenCertificatesMax) return `expected at most ${tokenCertificatesMax} certificates`;
	const certificates: Certificate[] = [];
	for (const node of nodes) {
		const parsed = readCached(cache, encodingOf(node), parseCertificateDer);
		if (parsed.kind === 'invalid') return parsed.reason;
		certificates.push(parsed.certificate);
	}
	return certificates;
}

function isNamed({ path }: Certificate, { sid }: pkijs.SignerInfo): boolean {
	if (!(sid instanceof pkijs.IssuerAndSerialNumber)) return false;
	const serial = sid.serialNumber.valueBlock.valueHexView;
	return sameBytes(serial, path.serial) && sameBytes(new Uint8Array(sid.issuer.valueBeforeDecode), path.issuerDer);
}

type TokenSignature = Pick<
	TimestampToken,
	'messageDigest' | 'digest' | 'signed' | 'signatureValue' | 'scheme' | 'signingMs'
>;

function readSignature(signerInfo: pkijs.SignerInfo, content: Uint8Array, lenient: boolean): TokenSignature | string {
	const { signedAttrs, digestAlgorithm, signatureAlgorithm, signature } = signerInfo;
	if (!signedAttrs && !lenient) return 'expected signed attributes';
	const digest = digestOf(digestAlgorithm.algorithmId, lenient);
	if (!digest) return `digest algorithm ${digestAlgorithm.algorithmId} is unknown or broken`;
	const scheme = schemeOfSigner(signatureAlgorithm, digest);
	if (!scheme) return `signature algorithm ${signatureAlgorithm.algorithmId} is unknown or broken`;
	const signatureValue = new Uint8Array(signature.getValue());
	if (!signedAttrs) return { messageDigest: null, digest, signed: content, signatureValue, scheme, signingMs: null };
	const signed = new Uint8Array(signedAttrs.encodedValue);
	if (!readDer(signed)) return 'expected signed attributes in DER';
	const messageDigest = onlyValue(signedAttrs, oid.messageDigest);
	const contentType = onlyValue(signedAttrs, oid.contentType);
	if (!messageDigest || !contentType) return 'expected one message digest and one content type among what is signed';
	if (String(contentType.valueBlock) !== oid.tstInfo && !lenient)
		return 'expected the signed content type to be TSTInfo';
	const signingTime = onlyValue(signedAttrs, oid.signingTime);
	return {
		messageDigest: contentOf(messageDigest),
		digest,
		signed,
		signatureValue,
		scheme,
		signingMs: signingTime ? readTime(signingTime) : null,
	};
}

const digestOf = (algorithm: string, lenient: boolean): HashName | 'sha1' | undefined =>
	lenient && algorithm === oid.sha1 ? 'sha1' : hashNames.get(algorithm);

/** CMS names RSA without a hash; the digest algorithm has it. PSS is not known to the real engine. */
function schemeOfSigner(
	algorithm: pkijs.AlgorithmIdentifier,
	digest: HashName | 'sha1',
): SignatureScheme | Sha1Scheme | null {
	const { algorithmId } = algorithm;
	if (algorithmId === oid.rsaEncryption || (algorithmId === oid.sha1WithRsa && digest === 'sha1'))
		return { kind: 'pkcs1', hash: digest };
	if (algorithmId === oid.ecdsaWithSha1 && digest === 'sha1') return { kind: 'ecdsa', hash: digest };
	const scheme = schemeOfAlgorithm(algorithm);
	if (scheme?.kind === 'pkcs1') return digest === 'sha1' ? null : { kind: 'pkcs1', hash: digest };
	return scheme?.kind === 'pss' ? null : scheme;
}

/** The value of an attribute that is there once and has one value. */
function onlyValue({ attributes }: pkijs.SignedAndUnsignedAttributes, type: string): DerNode | null {
	const [attribute, ...others] = attributes.filter((candidate) => candidate.type === type);
	if (!attribute || others.length > 0 || attribute.values.length !== 1) return null;
	return (attribute.values as DerNode[])[0] ?? null;
}

function readTstInfo(content: Uint8Array, lenient: boolean): Pick<TimestampToken, 'atMs' | 'imprint'> | string {
	const node = readDer(content);
	if (!node) return 'expected a TSTInfo in DER';
	const { messageImprint, extensions } = new pkijs.TSTInfo({ schema: node });
	// The schema has fixed what comes before the time: version, policy, imprint, serial number.
	const genTime = childrenOf(node)[4];
	const atMs = genTime ? readPreciseTime(genTime) : null;
	if (atMs === null) return 'its time cannot be read';
	if (messageImprint.hashAlgorithm.algorithmId !== oid.sha256) return 'expected a sha256 of what was stamped';
	if (!lenient && extensions?.some(({ critical }) => critical))
		return 'it has a critical extension, which is not understood';
	return { atMs, imprint: messageImprint.hashedMessage.valueBlock.valueHexView };
}

const refused = (reason: string): TokenResult => ({ kind: 'refused', reason: `timestamp: ${reason}` });
