// What the tests of certificates share.
import type { Certificate } from '../../src/x509/certificate.ts';
import { parseCertificate } from '../../src/x509/parse.ts';

export function read({ der }: { der: Uint8Array }): Certificate {
	const result = parseCertificate(der);
	if (result.kind === 'invalid') throw new Error(result.reason);
	return result.certificate;
}

/** '' for what was not refused. */
export const reasonOf = (result: { kind: string; reason?: string }): string => result.reason ?? '';

export const ms = (time: string): number => Date.parse(time);
