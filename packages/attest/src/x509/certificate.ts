// What the policy engine needs of a certificate. Parsing is pkijs's, signatures are node:crypto's.
import type { KeyObject } from 'node:crypto';

export interface Certificate {
	der: Uint8Array;
	key: KeyObject;
	/** Witness's key id of the certificate's public key. */
	keyId: string;
	/** RFC 4514 text of the subject, for people. */
	subject: string;
	commonName: string;
	organizations: string[];
	dnsNames: string[];
	emails: string[];
	uris: string[];
	notBeforeMs: number;
	notAfterMs: number;
	/** Fulcio's extensions by the names that Witness's constraints use (issuer, githubWorkflowTrigger, ...); absent ones are not in it. */
	fulcio: ReadonlyMap<string, string>;
}
