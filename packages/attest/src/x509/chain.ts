// A chain from a certificate to a root, as Go's x509.Verify builds one: go-witness judges functionaries by it.
import type { Certificate } from './certificate.ts';

export interface ChainRequest {
	leaf: Certificate;
	intermediates: readonly Certificate[];
	/** None: nothing is accepted; the machine's roots are never asked. */
	roots: readonly Certificate[];
	/** Unix time in milliseconds at which every certificate must be valid. */
	atMs: number;
	/** OID of an extended key usage that every certificate of the chain must allow; absent: any. */
	extendedKeyUsage?: string;
}

export type ChainResult =
	/** Leaf first, root last. */
	{ kind: 'chain'; chain: Certificate[] } | { kind: 'refused'; reason: string };
