// Certificate extensions that the makers of certificates do not know: name constraints, and raw ones.
import 'reflect-metadata';
import * as x509 from '@peculiar/x509';
import * as asn1js from 'asn1js';

/** Tags of RFC 5280's GeneralName. */
const tags = { email: 1, dns: 2, uri: 6 } as const;

export interface NamedSubtrees {
	email?: readonly string[];
	dns?: readonly string[];
	uri?: readonly string[];
}

const contextClass = 3;

function subtrees(tagNumber: number, names: NamedSubtrees): asn1js.Constructed {
	const value = (['email', 'dns', 'uri'] as const).flatMap((kind) =>
		(names[kind] ?? []).map((name) => {
			const valueHex = new Uint8Array(Buffer.from(name)).buffer;
			const base = new asn1js.Primitive({ idBlock: { tagClass: contextClass, tagNumber: tags[kind] }, valueHex });
			return new asn1js.Sequence({ value: [base] });
		}),
	);
	return new asn1js.Constructed({ idBlock: { tagClass: contextClass, tagNumber }, value });
}

export function nameConstraints(permitted: NamedSubtrees, excluded: NamedSubtrees = {}): x509.Extension {
	const value: asn1js.Constructed[] = [];
	if (Object.keys(permitted).length > 0) value.push(subtrees(0, permitted));
	if (Object.keys(excluded).length > 0) value.push(subtrees(1, excluded));
	return new x509.Extension('2.5.29.30', true, new asn1js.Sequence({ value }).toBER());
}

export const rawExtension = (oid: string, critical: boolean, value: Uint8Array): x509.Extension =>
	new x509.Extension(oid, critical, value);
